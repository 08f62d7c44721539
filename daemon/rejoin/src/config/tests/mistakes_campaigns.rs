//! Bad maps, segments and campaigns, and exactly what is said about them.

use super::check;

const MAPS: (&str, &str) = (
    r##"
[[connector]]
name = "c"
plugin = "csv"
config = { paths = [] }
[[connector.map]]
stream = "row"
when = "a b"
party = { name = "row['姓名'] ~ ' ' ~ first|titel", nme = "x", email = ["a", "b|"] }
[[connector.map.activity]]
kind = "ordr"
at = 5
[[connector.map.consent]]
channel = "fax"
[[connector.map.suppress]]
address = "x"
reason = "bounced"
"##,
    r##"
error[RJ-C009]: plugin `csv` has no stream `row`
  --> rejoin.toml:6:10
   |
 6 | stream = "row"
   |          ^^^^^
help: did you mean `rows`?

error[RJ-C011]: `when`: the expression does not parse: unexpected input after expression
  --> rejoin.toml:7:11
   |
 7 | when = "a b"
   |           ^

error[RJ-C011]: `name`: there is no filter `titel`
  --> rejoin.toml:8:43
   |
 8 | party = { name = "row['姓名'] ~ ' ' ~ first|titel", nme = "x", email = ["a", "b|"] }
   |                                             ^^^^^
help: did you mean `title`?

error[RJ-C004]: unknown field `nme` of a party
  --> rejoin.toml:8:51
   |
 8 | party = { name = "row['姓名'] ~ ' ' ~ first|titel", nme = "x", email = ["a", "b|"] }
   |                                                     ^^^
help: did you mean `name`?

error[RJ-C011]: `email`: the expression does not parse: unexpected end of input, expected identifier
  --> rejoin.toml:8:78
   |
 8 | party = { name = "row['姓名'] ~ ' ' ~ first|titel", nme = "x", email = ["a", "b|"] }
   |                                                                                ^

error[RJ-C007]: `kind`: "ordr" is not a kind of activity
  --> rejoin.toml:10:8
    |
 10 | kind = "ordr"
    |        ^^^^^^
help: did you mean `order`?

error[RJ-C005]: `at` must be a text, not a whole number
  --> rejoin.toml:11:6
    |
 11 | at = 5
    |      ^
help: put it in quotes

error[RJ-C006]: [[connector.map.consent]] needs `granted`, an expression
  --> rejoin.toml:12:1
    |
 12 | [[connector.map.consent]]
    | ^^^^^^^^^^^^^^^^^^^^^^^^^

error[RJ-C007]: `channel`: "fax" is not one of email, sms, *
  --> rejoin.toml:13:11
    |
 13 | channel = "fax"
    |           ^^^^^

error[RJ-C006]: [[connector.map.suppress]] needs `channel`, "email" or "sms"
  --> rejoin.toml:14:1
    |
 14 | [[connector.map.suppress]]
    | ^^^^^^^^^^^^^^^^^^^^^^^^^^

error[RJ-C007]: `reason`: "bounced" is not one of unsubscribed, opt_out, hard_bounce, spam_complaint, manual
  --> rejoin.toml:16:10
    |
 16 | reason = "bounced"
    |          ^^^^^^^^^"##,
);

#[test]
fn maps() {
    check(MAPS.0, MAPS.1);
}

#[test]
fn segments() {
    check(
        r##"
[[segment]]
name = "a"
where = "orderz > 3 and city = 5"
[[segment]]
name = "b"
where = '''
orders > 3
and ctiy = 'x'
'''
[[segment]]
name = "b"
"##,
        r##"
error[RJ-C012]: `orderz` is not a field
  --> rejoin.toml:3:10
   |
 3 | where = "orderz > 3 and city = 5"
   |          ^^^^^^
help: did you mean `orders`?

error[RJ-C012]: city holds text, and this is a number
  --> rejoin.toml:3:32
   |
 3 | where = "orderz > 3 and city = 5"
   |                                ^
help: write '5'

error[RJ-C012]: `ctiy` is not a field
  --> rejoin.toml:8:5
   |
 8 | and ctiy = 'x'
   |     ^^^^
help: did you mean `city`?

error[RJ-C006]: [[segment]] needs `where`, a text
  --> rejoin.toml:10:1
    |
 10 | [[segment]]
    | ^^^^^^^^^^^

error[RJ-C008]: there are two segments named `b`
  --> rejoin.toml:11:8
    |
 11 | name = "b"
    |        ^^^
help: the first one is at rejoin.toml:5"##,
    );
}

const A_CAMPAIGN_WITH_EVERYTHING_WRONG: (&str, &str) = (
    r##"
[site]
name="x"
[[connector]]
name = "mail"
plugin = "email"
[[connector]]
name = "in"
plugin = "csv"
config.paths = []
[[segment]]
name = "all"
where = ""
[[campaign]]
name = "c"
class = "promotion"
segment = "al"
channels = ["mali", "in", "mail"]
holdout = 2
cap = { messages = 1 }
quiet = { from = "25:00", to = "08:00" }
unknown = "alway"
late = 5
schedule = "61 9 * * *"
[campaign.content.zh]
text = "x"
"##,
    r##"
error[RJ-C007]: `class`: "promotion" is not one of marketing, care
  --> rejoin.toml:15:9
    |
 15 | class = "promotion"
    |         ^^^^^^^^^^^

error[RJ-C009]: there is no segment `al`
  --> rejoin.toml:16:11
    |
 16 | segment = "al"
    |           ^^^^
help: did you mean `all`?

error[RJ-C009]: there is no connector `mali`
  --> rejoin.toml:17:13
    |
 17 | channels = ["mali", "in", "mail"]
    |             ^^^^^^
help: did you mean `mail`?

error[RJ-C019]: connector `in` sends nothing: it has no role channel
  --> rejoin.toml:17:21
    |
 17 | channels = ["mali", "in", "mail"]
    |                     ^^^^

error[RJ-C007]: `holdout`: 2 is not a share between 0 and 1
  --> rejoin.toml:18:11
    |
 18 | holdout = 2
    |           ^

error[RJ-C006]: cap needs `days`, a whole number
  --> rejoin.toml:19:7
    |
 19 | cap = { messages = 1 }
    |       ^^^^^^^^^^^^^^^^

error[RJ-C007]: `from`: "25:00" is not a time of day; write 21:00
  --> rejoin.toml:20:18
    |
 20 | quiet = { from = "25:00", to = "08:00" }
    |                  ^^^^^^^

error[RJ-C007]: `unknown`: "alway" is not one of never, resend
  --> rejoin.toml:21:11
    |
 21 | unknown = "alway"
    |           ^^^^^^^

error[RJ-C005]: `late` must be a text, not a whole number
  --> rejoin.toml:22:8
    |
 22 | late = 5
    |        ^
help: put it in quotes

error[RJ-C014]: `61` does not fit the minute field
  --> rejoin.toml:23:13
    |
 23 | schedule = "61 9 * * *"
    |             ^^
help: it goes from 0 to 59

error[RJ-C013]: `subject`: the mail has no subject
  --> rejoin.toml:24:1
    |
 24 | [campaign.content.zh]
    | ^^^^^^^^^^^^^^^^^^^^^
help: add a subject"##,
);

#[test]
fn a_campaign_with_everything_wrong() {
    check(A_CAMPAIGN_WITH_EVERYTHING_WRONG.0, A_CAMPAIGN_WITH_EVERYTHING_WRONG.1);
}

#[test]
fn tables_that_are_none() {
    check(
        r##"
segment = 3
[[campaign]]
"##,
        r##"
error[RJ-C005]: `segment` must be a list of tables, not a whole number
  --> rejoin.toml:1:11
   |
 1 | segment = 3
   |           ^
help: write [[segment]], with two brackets

error[RJ-C006]: [[campaign]] needs `name`, which people call it by
  --> rejoin.toml:2:1
   |
 2 | [[campaign]]
   | ^^^^^^^^^^^^

error[RJ-C006]: [[campaign]] needs `segment`, a text
  --> rejoin.toml:2:1
   |
 2 | [[campaign]]
   | ^^^^^^^^^^^^

error[RJ-C006]: [[campaign]] needs `channels`, a list of connectors that send
  --> rejoin.toml:2:1
   |
 2 | [[campaign]]
   | ^^^^^^^^^^^^

error[RJ-C006]: [[campaign]] needs `content`, such as [campaign.content.en]
  --> rejoin.toml:2:1
   |
 2 | [[campaign]]
   | ^^^^^^^^^^^^"##,
    );
}

#[test]
fn templates() {
    check(
        r##"
[site]
name = "x"
[[connector]]
name = "mail"
plugin = "email"
[[connector]]
name = "texts"
plugin = "sms"
[[segment]]
name = "all"
where = ""
[[campaign]]
name = "c"
segment = "all"
channels = ["mail"]
[campaign.content.zh]
subject = "您好 {{ custmer.name }}"
text = """
{{ customer.name }}：
好久不见 {{ profile.day }}
"""
[[campaign]]
name = "d"
segment = "all"
channels = ["mail", "texts"]
[campaign.content.en]
subject = "Hello"
text = "Hello"
"##,
        r##"
error[RJ-C013]: `subject`: `custmer.name` is not a variable
  --> rejoin.toml:17:18
    |
 17 | subject = "您好 {{ custmer.name }}"
    |                    ^
help: did you mean `customer.name`?

error[RJ-C013]: `text`: `profile.day` is not a variable
  --> rejoin.toml:20:9
    |
 20 | 好久不见 {{ profile.day }}
    |             ^
help: did you mean `profile`?

error[RJ-C006]: campaign `d` may go out through `texts` (sms), but its content in `en` has no `sms`
  --> rejoin.toml:22:1
    |
 22 | [[campaign]]
    | ^^^^^^^^^^^^
help: write sms = "…" under [campaign.content.en]"##,
    );
}
