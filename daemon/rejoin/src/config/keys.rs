//! Every key there is, with its default: the one list that the reader, the commented `config/rejoin.toml` and the
//! reference in `config/README.md` are held to by a test.

/// Where a key stands.
pub struct Section {
    /// `site`, `connector.map`; empty for the top of a file.
    pub path: &'static str,
    pub keys: &'static [Key],
}

pub struct Key {
    pub name: &'static str,
    /// As TOML; empty when the key is required or has no default.
    pub default: &'static str,
}

const fn key(name: &'static str, default: &'static str) -> Key {
    Key { name, default }
}

pub static SECTIONS: &[Section] = &[
    Section {
        path: "",
        keys: &[
            key("include", "[]"),
            key("site", ""),
            key("store", ""),
            key("http", ""),
            key("plugins", ""),
            key("connector", ""),
            key("segment", ""),
            key("campaign", ""),
        ],
    },
    Section {
        path: "site",
        keys: &[
            key("name", "\"\""),
            key("language", "\"en\""),
            key("zone", "\"UTC\""),
            key("region", "\"CN\""),
            key("currency", "\"CNY\""),
            key("postal_address", "\"\""),
            key("sms_signature", ""),
            key("values", "{}"),
        ],
    },
    Section { path: "store", keys: &[key("url", "\"sqlite:rejoin.db\"")] },
    Section {
        path: "http",
        keys: &[
            key("listen", "\"127.0.0.1:8600\""),
            key("public_url", "\"http://127.0.0.1:8600\""),
            key("body_bytes_max", "1048576"),
        ],
    },
    Section { path: "plugins", keys: &[key("path", "[]")] },
    Section {
        path: "connector",
        keys: &[
            key("name", ""),
            key("plugin", ""),
            key("roles", ""),
            key("poll", "\"5m\""),
            key("sweep", ""),
            key("unique", "false"),
            key("config", "{}"),
            key("intake", ""),
            key("map", ""),
        ],
    },
    Section {
        path: "connector.intake",
        keys: &[key("rate_limit", ""), key("signature_secret", ""), key("redirect", ""), key("thanks", "{}")],
    },
    Section {
        path: "connector.map",
        keys: &[
            key("stream", ""),
            key("when", ""),
            key("key", "\"key\""),
            key("party", ""),
            key("activity", ""),
            key("consent", ""),
            key("suppress", ""),
        ],
    },
    Section {
        path: "connector.map.activity",
        keys: &[
            key("kind", ""),
            key("when", ""),
            key("key", ""),
            key("at", "\"received_at\""),
            key("of", "\"key\""),
            key("amount", ""),
            key("currency", ""),
            key("text", ""),
            key("answers", ""),
        ],
    },
    Section {
        path: "connector.map.consent",
        keys: &[
            key("channel", "\"*\""),
            key("topic", "\"*\""),
            key("granted", ""),
            key("when", ""),
            key("of", "\"key\""),
            key("text", ""),
            key("at", "\"received_at\""),
        ],
    },
    Section {
        path: "connector.map.suppress",
        keys: &[key("channel", ""), key("address", ""), key("reason", "\"opt_out\""), key("when", "")],
    },
    Section { path: "segment", keys: &[key("name", ""), key("where", "")] },
    Section {
        path: "campaign",
        keys: &[
            key("name", ""),
            key("class", "\"marketing\""),
            key("topic", ""),
            key("segment", ""),
            key("schedule", ""),
            key("zone", ""),
            key("channels", ""),
            key("holdout", "0.1"),
            key("cap", ""),
            key("quiet", "{ from = \"21:00\", to = \"08:00\" }"),
            key("late", "\"6h\""),
            key("lifetime", "\"3d\""),
            key("unknown", "\"never\""),
            key("content", ""),
        ],
    },
    Section { path: "campaign.cap", keys: &[key("messages", ""), key("days", "")] },
    Section { path: "campaign.quiet", keys: &[key("from", ""), key("to", "")] },
    Section {
        path: "campaign.content",
        keys: &[key("subject", ""), key("text", ""), key("html", ""), key("sms", "")],
    },
];

/// The keys of a section; none for a path that is not in the list.
pub(super) fn names(path: &str) -> Vec<&'static str> {
    let keys = SECTIONS.iter().find(|s| s.path == path).map_or(&[][..], |s| s.keys);
    keys.iter().map(|k| k.name).collect()
}
