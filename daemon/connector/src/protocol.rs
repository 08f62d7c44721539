//! What the daemon and its child say to each other, apart from framing. Both are the same program of the same build,
//! so this may change freely; the C header is the contract that may not.

use rejoin_plugin_api::{Outcome, ReadRequest};
use serde::{Deserialize, Serialize};

/// Daemon to child. One call at a time; the only thing said while one runs is [`ToChild::Cancel`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToChild {
    /// Body: the configuration.
    Validate,
    /// Body: the configuration.
    Open,
    Check,
    Read {
        request: ReadRequest,
        deadline_ms: u64,
    },
    Committed {
        stream: String,
        cursor: String,
    },
    /// `head` is the request without its body as JSON, which the child passes on unread. Body: the request's body.
    Handle {
        head: String,
        deadline_ms: u64,
    },
    /// Body: messages as JSON Lines.
    Send {
        count: u32,
    },
    Cancel,
    /// Close the plugin and exit.
    Close,
}

/// Child to daemon. Every call is answered by exactly one of `Done`, `Failed` and `Fault`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromChild {
    /// First word of a child that loaded its plugin. Body: the manifest.
    Hello {
        has: Functions,
    },
    /// First and last word of a child that would not load it.
    Refused {
        reason: String,
    },
    Log {
        level: u32,
        message: String,
    },
    /// One message's fate, said as soon as the plugin knows.
    Outcome {
        index: u32,
        outcome: Outcome,
    },
    /// Body: lines of a batch, findings of `Validate`, report of `Check`.
    Done(Done),
    Failed {
        status: i32,
        message: String,
        hint: Option<String>,
        retry_after_ms: Option<u32>,
    },
    /// The plugin broke the contract.
    Fault {
        what: String,
    },
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) records: u64,
    pub(crate) cursor: Option<String>,
    pub(crate) more: bool,
}

/// Which optional functions the plugin has.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Functions {
    pub(crate) validate: bool,
    pub(crate) read: bool,
    pub(crate) committed: bool,
    pub(crate) handle: bool,
    pub(crate) send: bool,
    pub(crate) write: bool,
}
