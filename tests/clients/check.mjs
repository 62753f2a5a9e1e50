// What the scripts beside this file have in common. Each is run as
// `node NAME.mjs BASE_URL` against a running server, prints a line for every
// check and ends with status 0 when all went well, 1 otherwise.

import { randomBytes } from 'node:crypto';

const [, , argument] = process.argv;
if (!argument) {
  console.error(`usage: node ${process.argv[1]} BASE_URL`);
  process.exit(2);
}

export const base = new URL(argument).origin;
export const url = `${base}/graphql`;
export const wsUrl = url.replace(/^http/, 'ws');

let passed = 0;
let failed = 0;

/** Notes one check; `detail` is printed when it fails. */
export function check(what, good, detail) {
  if (good) {
    passed += 1;
    console.log(`ok      ${what}`);
  } else {
    failed += 1;
    console.log(`FAILED  ${what}${detail === undefined ? '' : `: ${typeof detail === 'string' ? detail : JSON.stringify(detail)}`}`);
  }
  return Boolean(good);
}

/** Notes whether two values are the same as JSON. */
export function same(what, actual, expected) {
  const good = JSON.stringify(actual) === JSON.stringify(expected);
  return check(what, good, `got ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
}

/** Runs the checks and ends the process. */
export async function main(checks) {
  const deadline = setTimeout(() => finish(new Error('not done within 220 seconds')), 220_000);
  try {
    await checks();
    finish();
  } catch (error) {
    finish(error);
  } finally {
    clearTimeout(deadline);
  }
}

function finish(error) {
  if (error) check('ran to its end', false, error.stack || `${error.code ?? ''} ${error.reason ?? error.message ?? JSON.stringify(error)}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

/** Gives `promise`, or an error that says what was waited for. */
export function within(seconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${seconds} seconds`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A name nobody has yet: at most 20 letters and digits. */
export const unique = (prefix) => `${prefix}${randomBytes(5).toString('hex')}`;

/** Asks over plain HTTP; errors of the answer are thrown. `home` is another server than the usual. */
export async function ask(query, variables, token, home = base) {
  const response = await fetch(`${home}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(`${response.status} ${JSON.stringify(errors)}`);
  return data;
}

export const SIGN_UP = `mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) { token user { id username } }
}`;
export const POST_TWEET = `mutation Post($input: PostTweetInput!) {
  postTweet(input: $input) { tweet { id text } }
}`;
export const EDIT_TWEET = `mutation Edit($input: EditTweetInput!) {
  editTweet(input: $input) { tweet { id text editedAt } }
}`;
export const DELETE_TWEET = `mutation Delete($input: DeleteTweetInput!) {
  deleteTweet(input: $input) { deletedId }
}`;

/** Signs up somebody new. */
export async function signUp(home, username = unique('u')) {
  const { signUp: account } = await ask(SIGN_UP, { input: { username, password: 'a long password' } }, undefined, home);
  return account;
}

/** Posts with `token` and gives the tweet. */
export async function post(text, token, home) {
  return (await ask(POST_TWEET, { input: { text } }, token, home)).postTweet.tweet;
}

/** Runs a mutation of the form `name(input: ...)`. */
export async function write(name, type, input, token, home) {
  return ask(`mutation($input: ${type}!) { ${name}(input: $input) { __typename } }`, { input }, token, home);
}

/** Asks again and again until the answer is good, and notes whether it became so. */
export async function until(what, look, good, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let seen;
  while (Date.now() < end) {
    seen = await look();
    if (good(seen)) return check(what, true);
    await sleep(40);
  }
  return check(what, false, seen);
}

/** Waits until something is exactly so. */
export const becomes = (what, look, expected, seconds) =>
  until(what, look, (seen) => JSON.stringify(seen) === JSON.stringify(expected), seconds);
