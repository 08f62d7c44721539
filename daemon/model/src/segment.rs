//! A segment: a condition over customers, parsed and checked, not yet SQL.

/// A named, checked condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    pub name: String,
    /// The condition as written, for people.
    pub source: String,
    pub condition: Condition,
}

/// The parsed condition tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        field: &'static Field,
        op: CompareOp,
        value: Value,
    },
    In {
        field: &'static Field,
        values: Vec<Value>,
    },
    /// SQL LIKE with `%` and `_`; case is ignored.
    Like {
        field: &'static Field,
        pattern: String,
    },
    IsNull {
        field: &'static Field,
    },
    /// Matches everybody: the empty condition.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Number(f64),
    Bool(bool),
}

/// What a field holds, and so what it may be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    Text,
    Number,
    Bool,
    /// A set of words; only `=`, `!=` and `in` apply, and mean membership.
    Set,
}

/// A documented field a condition may name.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub kind: FieldType,
    pub doc: &'static str,
}

const fn field(name: &'static str, kind: FieldType, doc: &'static str) -> Field {
    Field { name, kind, doc }
}

/// Every field, in the order the manual lists them. The store knows the column of each.
pub static FIELDS: &[Field] = &[
    field("kind", FieldType::Text, "person, organisation or unknown"),
    field("name", FieldType::Text, "full name"),
    field("company", FieldType::Text, "organisation the person belongs to"),
    field("email", FieldType::Text, "first e-mail address, normalised; null when there is none"),
    field("phone", FieldType::Text, "first phone number in E.164; null when there is none"),
    field("city", FieldType::Text, "city as written"),
    field("country", FieldType::Text, "ISO 3166-1 alpha-2"),
    field("language", FieldType::Text, "language tag, e.g. zh or en"),
    field("tags", FieldType::Set, "words set by mappings"),
    field("orders", FieldType::Number, "number of orders"),
    field("total", FieldType::Number, "orders less refunds, in units of the site's currency"),
    field("days_since_first_order", FieldType::Number, "whole days; null without an order"),
    field("days_since_last_order", FieldType::Number, "whole days; null without an order"),
    field(
        "days_since_last_contact",
        FieldType::Number,
        "whole days since a reply, visit or complaint; null without one",
    ),
    field("recency", FieldType::Number, "RFM score 1 (worst) to 5 (best); 0 without an order"),
    field("frequency", FieldType::Number, "RFM score 1 (worst) to 5 (best); 0 without an order"),
    field("monetary", FieldType::Number, "RFM score 1 (worst) to 5 (best); 0 without an order"),
    field("stage", FieldType::Text, "prospect, exploration, growth, stable or decline"),
    field("open_complaint", FieldType::Bool, "a complaint is open"),
    field("records", FieldType::Number, "number of source records behind the customer"),
];

impl Field {
    pub fn named(name: &str) -> Option<&'static Field> {
        FIELDS.iter().find(|f| f.name == name)
    }
}
