//! Documents are read, checked and measured once, whoever sends them and however often.

mod variables;

use super::argument;
use super::error::{coded, refusal, refusal_of, set_codes, set_field};
use super::guard::{Guard, Limits, Measured, Shape, check_size, check_text};
use super::limit::Account;
use super::persisted::{Hash, Named, Trust, Trusted, hash, hex};
use super::written::is_plain;
use super::{Operation, Root};
use crate::metrics::Metrics;
use crate::model::error::Code;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection,
};
use async_graphql::{Name, Response, ServerError};
use futures_util::FutureExt as _;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use std::collections::HashMap;
use std::sync::Arc;

/// How many locks the documents in memory have.
const SHARDS: usize = 4;

/// About what a token takes once it is parsed, and a document at the least.
const TOKEN: u64 = 200;
const DOCUMENT: u64 = 1_024;

/// How many errors of a refused document are kept and told.
const MOST_ERRORS: usize = 20;

/// A name that no operation has: the executor validates a document before it looks for the
/// operation, so asking for this one is validating and no more.
const NO_OPERATION: &str = "\0";

/// A document that may be executed.
#[derive(Debug)]
pub struct Prepared {
    document: ExecutableDocument,
    measured: HashMap<Option<Name>, Measured>,
    is_plain: bool,
    weight: u64,
}

/// What became of a text: refusals are remembered like documents.
type Verdict = Result<Arc<Prepared>, Arc<[ServerError]>>;

/// A request with the document that it names.
#[derive(Debug)]
pub struct Asked {
    /// The request as the client made it.
    pub request: Operation,
    /// Its document.
    prepared: Arc<Prepared>,
    /// What the operation is.
    pub kind: OperationType,
}

/// All documents.
pub struct Documents {
    schema: Root,
    shape: Shape,
    limits: Limits,
    trusted: Trusted,
    cache: Cache<Hash, Verdict, Weight>,
    metrics: Metrics,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Hash, Verdict> for Weight {
    fn weight(&self, _: &Hash, verdict: &Verdict) -> u64 {
        match verdict {
            Ok(prepared) => prepared.weight,
            Err(errors) => {
                let words: usize = errors.iter().map(|error| error.message.len()).sum();
                DOCUMENT.saturating_add(u64::try_from(words).unwrap_or(u64::MAX))
            }
        }
    }
}

/// The operation that a request names, in a document that may be executed.
fn asked(mut request: Operation, verdict: Verdict) -> Result<Asked, Response> {
    let prepared = verdict.map_err(|errors| Response::from_errors(errors.to_vec()))?;
    let name = request.operation_name.as_deref();
    let Some((_, operation)) = prepared.operation(name) else {
        let reason = "the document has no such operation";
        return Err(refusal(reason, Code::GraphqlValidationFailed));
    };
    let kind = operation.ty;
    set_defaults(&mut request, operation);
    Ok(Asked {
        request,
        prepared,
        kind,
    })
}

impl Documents {
    /// Begins without any but the trusted ones. Others are kept while they take no more than
    /// `memory` bytes together.
    pub(super) fn new(schema: Root, limits: Limits, trusted: Trusted, memory: usize, metrics: Metrics) -> Self {
        let shape = Shape::of(&schema.sdl())
            .inspect_err(|error| tracing::error!(error, "the schema cannot be read"))
            .unwrap_or_default();
        let documents = Self {
            schema,
            shape,
            limits,
            trusted,
            cache: cache(memory),
            metrics,
        };
        documents.check_trusted();
        documents
    }

    /// Tells the operator which trusted documents will be refused: clients would find out late.
    fn check_trusted(&self) {
        for (id, text) in self.trusted.texts() {
            let prepared = check_size(text, &self.limits)
                .and_then(|()| check_text(text, &self.limits))
                .map_err(|error| vec![error])
                .and_then(|tokens| self.prepare(text, tokens));
            if let Err(errors) = prepared {
                let reason = errors.first().map(|error| error.message.as_str());
                tracing::warn!(id, reason, "a trusted document will be refused");
            }
        }
    }

    /// Finds the document that a request names, and in it the operation. A document that is new
    /// is charged its tokens: reading is most of what a refused request costs.
    ///
    /// # Errors
    /// The response that refuses the request.
    pub fn ask(&self, request: Operation, account: &Account) -> Result<Asked, Response> {
        let verdict = self.find(&request, account)?;
        asked(request, verdict)
    }

    /// As [`Documents::ask`], for a text of the server's own.
    ///
    /// # Errors
    /// The response that refuses the request.
    pub fn ask_own(&self, request: Operation, account: &Account) -> Result<Asked, Response> {
        let hash = hash(&request.query);
        let verdict = match self.known(&hash) {
            Some(known) => known,
            None => self.read(&request.query, hash, account)?,
        };
        asked(request, verdict)
    }

    fn find(&self, request: &Operation, account: &Account) -> Result<Verdict, Response> {
        let text = &request.query;
        check_size(text, &self.limits).map_err(|error| Response::from_errors(vec![error]))?;
        match Named::by(request)? {
            Named::Text => self.of_text(text, hash(text), account),
            Named::Both(id) => {
                let hash = hash(text);
                if !self.trusted.is(&id, &hash) && !id.is(&hash) {
                    let reason = "the text is not the one of this hash";
                    return Err(refusal(reason, Code::BadUserInput));
                }
                self.of_text(text, hash, account)
            }
            Named::Hash(id) => {
                if let Some(text) = self.trusted.text(&id) {
                    return self.look_up(text, hash(text), account);
                }
                let known = id.hash().filter(|_| self.trusted.trust() != Trust::Enforce);
                known.and_then(|hash| self.known(&hash)).ok_or_else(not_found)
            }
        }
    }

    fn of_text(&self, text: &str, hash: Hash, account: &Account) -> Result<Verdict, Response> {
        match self.trusted.trust() {
            Trust::Enforce if !self.trusted.has(&hash) => Err(refusal(
                "only documents that were registered are executed here",
                Code::Forbidden,
            )),
            _ => self.look_up(text, hash, account),
        }
    }

    fn known(&self, hash: &Hash) -> Option<Verdict> {
        let known = self.cache.get(hash)?;
        self.metrics.document_hits.inc();
        Some(known)
    }

    fn look_up(&self, text: &str, hash: Hash, account: &Account) -> Result<Verdict, Response> {
        if let Some(known) = self.known(&hash) {
            return Ok(known);
        }
        if self.trusted.trust() == Trust::Log && !self.trusted.has(&hash) {
            tracing::warn!(hash = %hex(&hash), "a document that was not registered");
        }
        self.read(text, hash, account)
    }

    /// Reads a document that is not in memory.
    fn read(&self, text: &str, hash: Hash, account: &Account) -> Result<Verdict, Response> {
        self.metrics.document_misses.inc();
        let prepared = match check_text(text, &self.limits) {
            Ok(tokens) => {
                account.operation(tokens, 0).map_err(|error| refusal_of(&error))?;
                self.prepare(text, tokens)
            }
            Err(refused) => Err(vec![refused]),
        };
        let verdict = prepared.map(Arc::new).map_err(|mut errors| {
            errors.truncate(MOST_ERRORS);
            Arc::from(errors)
        });
        self.cache.insert(hash, verdict.clone());
        let size = i64::try_from(self.cache.len()).unwrap_or(i64::MAX);
        self.metrics.documents.set(size);
        Ok(verdict)
    }

    fn prepare(&self, text: &str, tokens: u64) -> Result<Prepared, Vec<ServerError>> {
        let document = parse_query(text).map_err(|error| {
            let mut error = ServerError::from(error);
            error.message = brief(&error.message);
            let mut response = Response::from_errors(vec![error]);
            set_codes(&mut response, Code::GraphqlParseFailed);
            response.errors
        })?;
        let mut guard = Guard::new(&document, &self.shape, &self.limits);
        let mut measured = HashMap::new();
        for (name, operation) in document.operations.iter() {
            measured.insert(name.cloned(), guard.measure(&operation.node)?);
        }
        guard.check_fragments()?;
        self.validate(&document)?;
        Ok(Prepared {
            is_plain: is_plain(&document),
            document,
            measured,
            weight: DOCUMENT + tokens * TOKEN,
        })
    }

    /// Holds a document against the schema, without variables.
    fn validate(&self, document: &ExecutableDocument) -> Result<(), Vec<ServerError>> {
        let mut request = Operation::new("").operation_name(NO_OPERATION);
        request.set_parsed_query(document.clone());
        let Some(mut response) = self.schema.execute(request).now_or_never() else {
            return Err(vec![coded("the validation waits", Code::InternalServerError)]);
        };
        let expected = format!("Unknown operation named \"{NO_OPERATION}\"");
        if response.errors.iter().all(|error| error.message == expected) {
            return Ok(());
        }
        set_codes(&mut response, Code::GraphqlValidationFailed);
        Err(response.errors)
    }

    /// Whether the executor need not validate a request any more: its document was valid, and
    /// its variables are plainly what the operation declares.
    pub(super) fn is_valid(&self, asked: &Asked) -> bool {
        let operation = asked.prepared.operation(asked.request.operation_name.as_deref());
        operation.is_some_and(|(_, operation)| {
            let declared = operation.variable_definitions.iter();
            let given = &asked.request.variables;
            declared
                .map(|one| &one.node)
                .all(|one| variables::fits(one, given, &self.shape))
        })
    }

    /// What a request costs.
    ///
    /// # Errors
    /// The response that refuses one that costs too much.
    pub(super) fn cost(&self, asked: &Asked) -> Result<u64, Response> {
        let cost = asked
            .measured()
            .map(|measured| measured.cost(&asked.request.variables, &self.limits));
        cost.unwrap_or(Ok(1))
            .map_err(|error| Response::from_errors(vec![error]))
    }
}

impl Asked {
    /// The document, which outlasts the request.
    pub(super) fn document(&self) -> Arc<Prepared> {
        Arc::clone(&self.prepared)
    }

    /// How many fields stand at the root of the operation.
    pub(super) fn root_fields(&self) -> u64 {
        let fields = self.measured().map_or(1, |measured| measured.own_fields);
        u64::try_from(fields).unwrap_or(u64::MAX)
    }

    /// Whether parts of the result may be written at once.
    pub(super) fn is_plain(&self) -> bool {
        self.prepared.is_plain
    }

    /// Whether the operation only signs up or logs in, or asks for nothing but the name of its type.
    pub(super) fn is_open(&self) -> bool {
        const OPEN: [&str; 3] = ["signUp", "logIn", "__typename"];
        let operation = self.prepared.operation(self.request.operation_name.as_deref());
        operation.is_some_and(|(_, operation)| {
            operation.selection_set.node.items.iter().all(|item| match &item.node {
                Selection::Field(field) => OPEN.contains(&field.node.name.node.as_str()),
                Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
            })
        })
    }

    /// The request as the executor takes it.
    pub(super) fn into_request(mut self) -> Operation {
        self.request.set_parsed_query(self.prepared.document.clone());
        self.request
    }

    fn measured(&self) -> Option<&Measured> {
        let (name, _) = self.prepared.operation(self.request.operation_name.as_deref())?;
        self.prepared.measured.get(&name.cloned())
    }
}

impl Prepared {
    /// Names the arguments that the executor's own errors are about.
    pub(super) fn name_arguments(&self, response: &mut Response) {
        for error in &mut response.errors {
            set_field(error, |place| argument::at(&self.document, place));
        }
    }

    /// The operation of a name, or the only one.
    fn operation(&self, name: Option<&str>) -> Option<(Option<&Name>, &OperationDefinition)> {
        operation(&self.document, name)
    }
}

/// The operation of a document that has a name, or its only one.
pub(super) fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Option<(Option<&'d Name>, &'d OperationDefinition)> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some((None, &operation.node)),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            let (name, operation) = operations.get_key_value(name)?;
            Some((Some(name), &operation.node))
        }
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            let (name, operation) = operations.iter().next()?;
            Some((Some(name), &operation.node))
        }
        _ => None,
    }
}

/// Gives the variables that were left out their defaults: the executor forgets them where it
/// decides about `@skip` and `@include`.
fn set_defaults(request: &mut Operation, operation: &OperationDefinition) {
    for variable in &operation.variable_definitions {
        if let Some(default) = &variable.node.default_value {
            let name = variable.node.name.node.clone();
            request.variables.entry(name).or_insert_with(|| default.node.clone());
        }
    }
}

/// The parser shows the line that it can't read, and one as long with a mark: of a long one, only
/// the reason is told.
fn brief(message: &str) -> String {
    const LONG: usize = 1_000;
    let reason = message.lines().last().unwrap_or_default().trim();
    let told = if message.len() > LONG { reason } else { message };
    told.chars().take(LONG).collect()
}

fn not_found() -> Response {
    // Apollo's clients know this one by its text.
    refusal("PersistedQueryNotFound", Code::PersistedQueryNotFound)
}

fn cache(memory: usize) -> Cache<Hash, Verdict, Weight> {
    let memory = u64::try_from(memory).unwrap_or(u64::MAX);
    let mut options = OptionsBuilder::new();
    options
        .shards(SHARDS)
        .estimated_items_capacity(2_000)
        .weight_capacity(memory);
    match options.build() {
        Ok(options) => Cache::with_options(
            options,
            Weight,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ),
        Err(_) => Cache::with_weighter(2_000, memory, Weight),
    }
}
