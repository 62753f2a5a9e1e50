// GraphQL Code Generator: types and documents for every `.graphql` file in `src`, checked against
// the server's schema.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as fragmentMatcher from '@graphql-codegen/fragment-matcher';
import * as operations from '@graphql-codegen/typescript-operations';
import * as documents from '@graphql-codegen/typed-document-node';
import { parse } from 'graphql';

const here = import.meta.dirname;
const read = (path) => parse(readFileSync(path, 'utf8'));
const source = readdirSync(join(here, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.graphql'))
  .sort()
  .map((name) => ({ location: name, document: read(join(here, 'src', name)) }));

async function generate(name, plugins, config) {
  const content = await codegen({
    filename: name,
    schema: read(join(here, '..', 'schema.graphql')),
    documents: source,
    config,
    plugins: plugins.map((plugin) => ({ [plugin]: {} })),
    pluginMap: { fragmentMatcher, operations, documents },
  });
  mkdirSync(join(here, 'src/generated'), { recursive: true });
  writeFileSync(join(here, 'src/generated', name), content);
}

await generate('documents.ts', ['operations', 'documents'], {
  scalars: { ID: 'string', DateTime: 'string', JSON: 'unknown' },
  enumsAsTypes: true,
  useTypeImports: true,
  optimizeDocumentNode: true,
  nonOptionalTypename: true,
  skipTypeNameForRoot: true,
});
await generate('fragments.ts', ['fragmentMatcher'], {});
