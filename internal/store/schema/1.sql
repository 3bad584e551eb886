-- Version 1. INTEGER and BLOB are written as the other dialect needs them.
CREATE TABLE runs (
  n INTEGER PRIMARY KEY,          -- order of beginning
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,             -- of the startup, or the playbooks
  playbooks TEXT NOT NULL,        -- JSON list
  inventory TEXT NOT NULL,        -- JSON list
  host_limit TEXT NOT NULL,
  check_mode INTEGER NOT NULL,
  who TEXT NOT NULL,
  node TEXT NOT NULL,
  version TEXT NOT NULL,
  began INTEGER NOT NULL,         -- nanoseconds since 1970
  ended INTEGER NOT NULL,         -- 0: it did not end
  outcome TEXT NOT NULL,
  exit_code INTEGER NOT NULL,
  events INTEGER NOT NULL,        -- how many
  head BLOB NOT NULL,             -- hash of the last one
  beat INTEGER NOT NULL,          -- last sign of life, nanoseconds
  hold TEXT NOT NULL,             -- why it must not be pruned
  pruned TEXT NOT NULL            -- '', 'output' or 'events'
);
CREATE TABLE events (
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at TEXT NOT NULL,               -- RFC 3339
  type TEXT NOT NULL,
  data TEXT NOT NULL,             -- JSON
  hash BLOB NOT NULL,             -- SHA-256(hash before || digest)
  digest BLOB,                    -- SHA-256 of the line, kept only when its output was pruned
  PRIMARY KEY (run, seq)
);
CREATE TABLE ledger (
  n INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  run TEXT NOT NULL,
  body TEXT NOT NULL,             -- JSON
  hash BLOB NOT NULL
);
CREATE TABLE notes (
  n INTEGER PRIMARY KEY,
  run TEXT NOT NULL,
  host TEXT NOT NULL,
  task TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  at INTEGER NOT NULL,
  author TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX notes_by_fingerprint ON notes (fingerprint);
CREATE TABLE failures (
  run INTEGER NOT NULL,
  n INTEGER NOT NULL,
  host TEXT NOT NULL,
  play TEXT NOT NULL,
  task TEXT NOT NULL,
  module TEXT NOT NULL,
  role TEXT NOT NULL,
  outcome TEXT NOT NULL,
  at INTEGER NOT NULL,
  message TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  PRIMARY KEY (run, n)
);
CREATE INDEX failures_by_fingerprint ON failures (fingerprint);
CREATE TABLE digests (
  run INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (run, kind)
);
CREATE TABLE host_locks (
  host TEXT PRIMARY KEY,
  run TEXT NOT NULL,
  holder TEXT NOT NULL,
  since INTEGER NOT NULL
);
