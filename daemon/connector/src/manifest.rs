//! What a plugin says of itself. Unknown members are ignored, because a newer plugin may say more.

use rejoin_model::campaign::Channel;
use serde::Deserialize;

use crate::protocol::Functions;
use crate::spec::Capability;

#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub id: String,
    pub version: String,
    pub licence: String,
    pub summary: String,
    pub capabilities: Vec<Capability>,
    /// What a channel plugin carries.
    pub channel: Option<Channel>,
    pub streams: Vec<StreamInfo>,
    /// Where `rejoin import` puts its list of files into the configuration.
    pub import_pointer: Option<String>,
    /// JSON Schema of the configuration, in the subset the README names.
    pub config: serde_json::Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StreamInfo {
    pub name: String,
    #[serde(default)]
    pub doc: String,
    /// Deletes leave no trace in it, so its keys are swept.
    #[serde(default)]
    pub sweep: bool,
}

#[derive(Deserialize)]
struct Written {
    id: String,
    version: String,
    #[serde(default)]
    licence: String,
    #[serde(default)]
    summary: String,
    capabilities: Vec<String>,
    channel: Option<Channel>,
    #[serde(default)]
    streams: Vec<StreamInfo>,
    import_pointer: Option<String>,
    #[serde(default)]
    config: serde_json::Value,
}

impl Manifest {
    /// Reads and checks; the error completes the sentence "was refused: …".
    pub(crate) fn parse(json: &[u8], plugin: &str, has: Functions) -> Result<Self, String> {
        let w: Written =
            serde_json::from_slice(json).map_err(|e| format!("its manifest does not parse: {e}"))?;
        if w.id != plugin {
            return Err(format!("its manifest says it is plugin {:?}; rename the file or the setting", w.id));
        }
        // A capability we have no word for belongs to a newer host; the others still serve.
        let capabilities: Vec<_> = w.capabilities.iter().filter_map(|c| Capability::from_name(c)).collect();
        let manifest = Self {
            id: w.id,
            version: w.version,
            licence: w.licence,
            summary: w.summary,
            capabilities,
            channel: w.channel,
            streams: w.streams,
            import_pointer: w.import_pointer,
            config: w.config,
        };
        manifest.check(has).map(|()| manifest)
    }

    /// Stands in until the child has said hello.
    pub(crate) fn empty() -> Self {
        Self {
            id: String::new(),
            version: String::new(),
            licence: String::new(),
            summary: String::new(),
            capabilities: Vec::new(),
            channel: None,
            streams: Vec::new(),
            import_pointer: None,
            config: serde_json::Value::Null,
        }
    }

    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    fn check(&self, has: Functions) -> Result<(), String> {
        let functions = [
            (Capability::Source, has.read, "read"),
            (Capability::Webhook, has.handle, "handle"),
            (Capability::Channel, has.send, "send"),
            (Capability::Sink, has.write, "write"),
        ];
        for (capability, present, function) in functions {
            if self.can(capability) && !present {
                let name = capability.name();
                return Err(format!("its manifest promises {name}, but it has no {function} function"));
            }
        }
        if self.can(Capability::Channel) && self.channel.is_none() {
            return Err("its manifest does not say which channel it serves: \"email\" or \"sms\"".to_owned());
        }
        if self.can(Capability::Source) && self.streams.is_empty() {
            return Err("its manifest promises source, but names no streams".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Functions =
        Functions { validate: true, read: true, committed: true, handle: true, send: true, write: true };

    #[test]
    fn a_manifest_is_read_and_newer_words_in_it_are_ignored() {
        let json = br#"{"id":"x","version":"1.2.0","capabilities":["source","teleport"],"future":1,
            "streams":[{"name":"rows","sweep":true,"new":2}],"config":{"type":"object"}}"#;
        let m = Manifest::parse(json, "x", ALL).unwrap();
        assert_eq!(m.capabilities, [Capability::Source]);
        assert_eq!(m.streams, [StreamInfo { name: "rows".into(), doc: String::new(), sweep: true }]);
    }

    #[test]
    fn a_manifest_that_promises_what_the_library_lacks_is_refused() {
        let none = Functions::default();
        for (json, has, expected) in [
            ("{", ALL, "does not parse"),
            (r#"{"id":"y","version":"1","capabilities":[]}"#, ALL, "says it is plugin \"y\""),
            (r#"{"id":"x","version":"1","capabilities":["source"]}"#, none, "no read function"),
            (r#"{"id":"x","version":"1","capabilities":["source"]}"#, ALL, "names no streams"),
            (r#"{"id":"x","version":"1","capabilities":["channel"]}"#, ALL, "which channel"),
        ] {
            let refused = Manifest::parse(json.as_bytes(), "x", has).unwrap_err();
            assert!(refused.contains(expected), "{json}: {refused}");
        }
    }
}
