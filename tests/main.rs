//! Linnet from outside: the program is started, and spoken to over HTTP and WebSocket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod harness;

mod accounts; // signing up, sessions, profiles, deletion, and the commands for them
mod actions; // adding and removing actions: rules, privacy, deletion, and what a page of them costs
mod attacks; // what strangers try to bring the server down with, and that it stays up
mod batching; // how many SQL statements a page takes
mod caches; // whoever saw something new is never shown something older
mod clients; // the real JavaScript clients: audits, graphql-ws, Apollo, GraphiQL in a browser
mod commit_order; // events in the order of commits: transactions that stay open, clocks that differ
mod config; // options and commands: what is right, and how what is wrong is told
mod crash; // kill -9 under load: nothing acknowledged is lost, doubled or miscounted
mod doctor; // what an operator is told of an installation, and that nothing of it is changed
mod documents; // documents by hash: automatic persisted queries and trusted ones
mod encryption; // PostgreSQL and NATS over TLS, as their addresses ask for it
mod executor; // order of keys, errors and nulls, as the specification says
mod export; // everything survives an export and an import, and twice is once
mod failing_nodes; // nodes, NATS and PostgreSQL that go, stand still and come back
mod feed_streams; // actions that come into a feed and go, to those who may see them
mod feeds_model; // every feed, list, group and count against an oracle, over many random steps
mod groups; // the groups of every feed against its own actions
mod hashtag_streams; // what a hashtag's stream tells, in which order, and since when
mod http2; // many requests on one connection, and clients that take nothing or give up
mod http_protocol; // GraphQL over HTTP: methods, media types, limits and statuses
mod import; // bulk import: order, repetition, bad rows, counters
mod ingest; // what outside sources tell: each once, whatever breaks, as it is in the end
mod layering; // the direction of imports
mod live_groups; // who shares executions of a stream's events, and who does not
mod live_http; // streams over SSE and in parts
mod live_limits; // slow readers, little memory, bursts and the end of the server lose nothing
mod live_replays; // subscribers who come back, or lag: from memory, together, never with what is gone
mod long_timelines; // to the very first of thousands of entries, while others write
mod moderation; // blocks, mutes and bans: rules, codes, counts, sessions, commands
mod moderation_matrix; // every surface by every rule, for everybody: before, meanwhile and undone
mod nodes; // several nodes on one PostgreSQL are one server
mod notifications; // what people are told of, what they have seen, and making it anew
mod objects; // lists of actions against a model of what has happened
mod operations; // what operators are given: metrics explained, the dashboard, the files that run it
mod pagination; // every kind of list against slices of the whole
mod postgres; // PostgreSQL: lost connections, restarts, nodes that die or stand still, plans
mod processes; // commands beside a running server, a second server, and the end of one
mod rates; // what is limited by user and by address, and what is not
mod readers; // RSS, Atom, JSON Feed and ActivityStreams: what is public, once, and valid
mod resuming; // readers that come back, or lag, miss nothing and get nothing twice
mod schema; // schema.graphql is what the program prints, and holds the contract
mod search; // parts of texts, names and hashtags
mod text; // hashtags, mentions, URLs and lengths, by twitter-text's own cases
mod timelines; // every feed against a model of what has happened
mod traces; // spans of requests, executions, commits and statements, and nothing private in them
mod trends; // top users, top tweets and trends against a recount, also of what was counted long ago
mod tweets; // posting, replies, editing, deletion, likes, retweets, follows and ids
mod wall_model; // walls against an oracle, over many random steps, with kill -9
mod wall_streams; // what a wall's stream tells, and how it ends
mod walls; // what an organiser does with a wall, and what is refused
mod websocket_protocol; // the rules of graphql-transport-ws, one by one
