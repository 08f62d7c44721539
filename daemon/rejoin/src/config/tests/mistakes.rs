//! Bad sites and connectors, and exactly what is said about them.

use super::check;

#[test]
fn keys_zones_and_regions() {
    check(
        r##"
[site]
nmae = "x"
zone = "Mars/Base"
region = "China"
"##,
        r##"
error[RJ-C004]: unknown key `nmae` in [site]
  --> rejoin.toml:2:1
   |
 2 | nmae = "x"
   | ^^^^
help: did you mean `name`?

error[RJ-C007]: `zone`: "Mars/Base" is not an IANA time zone; write Asia/Shanghai or Europe/Prague
  --> rejoin.toml:3:8
   |
 3 | zone = "Mars/Base"
   |        ^^^^^^^^^^^

error[RJ-C007]: `region`: "China" is not a region; write two capital letters, such as CN or DE
  --> rejoin.toml:4:10
   |
 4 | region = "China"
   |          ^^^^^^^"##,
    );
}

#[test]
fn a_chinese_key_without_quotes() {
    check(
        r##"
[site]
name = "港湾咖啡" # 咖
values = { 电话 = 12, "地址" = "x" }
"##,
        r##"
error[RJ-C003]: this is not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`
  --> rejoin.toml:3:12
   |
 3 | values = { 电话 = 12, "地址" = "x" }
   |            ^^^^
help: put a key that is not plain ASCII in quotes"##,
    );
}

#[test]
fn a_section_that_does_not_exist() {
    check(
        r##"
[sit]
"##,
        r##"
error[RJ-C004]: unknown key `sit` in the main file
  --> rejoin.toml:1:2
   |
 1 | [sit]
   |  ^^^
help: did you mean `site`?"##,
    );
}

#[test]
fn syntax_and_what_follows() {
    check(
        r##"
[site]
name = "a
zone = "UTC"
[http]
listen = 1 2
"##,
        r##"
error[RJ-C003]: this is not TOML: invalid basic string, expected `"`
  --> rejoin.toml:2:10
   |
 2 | name = "a
   |          ^
help: a text ends with the quote it began with, on the same line; write """ around several lines

error[RJ-C003]: this is not TOML: string values must be quoted, expected literal string
  --> rejoin.toml:5:10
   |
 5 | listen = 1 2
   |          ^^^
help: put a text in quotes"##,
    );
}

#[test]
fn http_and_store() {
    check(
        r##"
[http]
listen = "8600"
body_bytes_max = 12
[store]
url = "mysql://x"
"##,
        r##"
error[RJ-C007]: `listen`: "8600" is not an address and port; write 127.0.0.1:8600 or [::1]:8600
  --> rejoin.toml:2:10
   |
 2 | listen = "8600"
   |          ^^^^^^

error[RJ-C007]: `body_bytes_max`: 12 is not between 1024 and 1073741824
  --> rejoin.toml:3:18
   |
 3 | body_bytes_max = 12
   |                  ^^

error[RJ-C007]: `url`: it must begin with sqlite: or postgres://
  --> rejoin.toml:5:7
   |
 5 | url = "mysql://x"
   |       ^^^^^^^^^^^"##,
    );
}

#[test]
fn polls_and_sweeps() {
    check(
        r##"
[[connector]]
name = "a"
plugin = "csv"
poll = "5 minutes"
sweep = "0 3 * *"
"##,
        r##"
error[RJ-C006]: `config` needs `paths`, a list
  --> rejoin.toml:1:1
   |
 1 | [[connector]]
   | ^^^^^^^^^^^^^
help: paths: files or folders

error[RJ-C007]: `poll`: "5 minutes" is not a duration; write 90s, 5m, 6h, 3d or 1h30m
  --> rejoin.toml:4:8
   |
 4 | poll = "5 minutes"
   |        ^^^^^^^^^^^

error[RJ-C014]: the schedule has 4 fields, not five
  --> rejoin.toml:5:10
   |
 5 | sweep = "0 3 * *"
   |          ^^^^^^^
help: write minute, hour, day of month, month, day of week"##,
    );
}

#[test]
fn a_plugins_schema() {
    check(
        r##"
[[connector]]
name = "a"
plugin = "csv"
[connector.config]
pathes = ["x"]
encoding = "GBK"
header_lines = 12
follow = 1
login = { pasword = "x" }
"##,
        r##"
error[RJ-C006]: `config` needs `paths`, a list
  --> rejoin.toml:4:1
   |
 4 | [connector.config]
   | ^^^^^^^^^^^^^^^^^^
help: paths: files or folders

error[RJ-C004]: unknown key `pathes` in `config` of this plugin
  --> rejoin.toml:5:1
   |
 5 | pathes = ["x"]
   | ^^^^^^
help: did you mean `paths`?

error[RJ-C016]: `encoding`: "GBK" is not one of "utf-8", "gbk"
  --> rejoin.toml:6:12
   |
 6 | encoding = "GBK"
   |            ^^^^^
help: did you mean `gbk`?

error[RJ-C016]: `header_lines`: 12 is more than 9
  --> rejoin.toml:7:16
   |
 7 | header_lines = 12
   |                ^^

error[RJ-C016]: `follow` must be true or false, not a whole number
  --> rejoin.toml:8:10
   |
 8 | follow = 1
   |          ^

error[RJ-C006]: `login` needs `user`, a text
  --> rejoin.toml:9:9
   |
 9 | login = { pasword = "x" }
   |         ^^^^^^^^^^^^^^^^^

error[RJ-C004]: unknown key `pasword` in `login` of this plugin
  --> rejoin.toml:9:11
   |
 9 | login = { pasword = "x" }
   |           ^^^^^^^
help: did you mean `password`?"##,
    );
}

#[test]
fn roles_duplicates_and_refused_plugins() {
    check(
        r##"
[[connector]]
name = "a"
plugin = "webform"
sweep = "0 3 * * *"
roles = ["chanel", "source"]
[[connector]]
name = "a"
plugin = "old"
"##,
        r##"
error[RJ-C007]: `roles`: "chanel" is not one of source, webhook, channel
  --> rejoin.toml:5:10
   |
 5 | roles = ["chanel", "source"]
   |          ^^^^^^^^
help: did you mean `channel`?

error[RJ-C019]: plugin `webform` cannot be a source
  --> rejoin.toml:5:20
   |
 5 | roles = ["chanel", "source"]
   |                    ^^^^^^^^
help: it can be: webhook

error[RJ-C008]: there are two connectors named `a`
  --> rejoin.toml:7:8
   |
 7 | name = "a"
   |        ^^^
help: the first one is at rejoin.toml:2

error[RJ-C015]: plugin `old` was refused: it speaks ABI 0, this daemon 1
  --> rejoin.toml:8:10
   |
 8 | plugin = "old"
   |          ^^^^^"##,
    );
}

#[test]
fn intake_and_missing_secrets() {
    check(
        r##"
[[connector]]
name = "f"
plugin = "webform"
[connector.intake]
rate_limit = "30"
signature_secret = "env:NOPE"
redirect = "example.com"
thanks = { english = "x", en = "file:missing.txt" }
"##,
        r##"
error[RJ-C007]: `rate_limit`: "30" is not a rate; write 30/1m: at most 30 in a minute
  --> rejoin.toml:5:14
   |
 5 | rate_limit = "30"
   |              ^^^^

error[RJ-C010]: the environment variable NOPE is not set
  --> rejoin.toml:6:20
   |
 6 | signature_secret = "env:NOPE"
   |                    ^^^^^^^^^^
help: set NOPE where the daemon starts

error[RJ-C007]: `redirect`: "example.com" is not a web address; write https://example.com
  --> rejoin.toml:7:12
   |
 7 | redirect = "example.com"
   |            ^^^^^^^^^^^^^

error[RJ-C007]: `thanks`: "english" is not a language tag; write zh, en or zh-Hant
  --> rejoin.toml:8:12
   |
 8 | thanks = { english = "x", en = "file:missing.txt" }
   |            ^^^^^^^

error[RJ-C010]: cannot read /site/missing.txt: entity not found
  --> rejoin.toml:8:32
   |
 8 | thanks = { english = "x", en = "file:missing.txt" }
   |                                ^^^^^^^^^^^^^^^^^^
help: the path is relative to the folder of the configuration"##,
    );
}

#[test]
fn secrets_that_are_too_weak() {
    check(
        r##"
[[connector]]
name = "f"
plugin = "webform"
[connector.intake]
signature_secret = ["env:HOOK", "env:SMTP_PASSWORD", "topsecret"]
"##,
        r##"
error[RJ-C007]: `signature_secret`: it is not base64 of at least 16 bytes, with or without whsec_ before
  --> rejoin.toml:5:33
   |
 5 | signature_secret = ["env:HOOK", "env:SMTP_PASSWORD", "*********"]
   |                                 ^^^^^^^^^^^^^^^^^^^
help: make one with: openssl rand -base64 32

error[RJ-C007]: `signature_secret`: it is not base64 of at least 16 bytes, with or without whsec_ before
  --> rejoin.toml:5:54
   |
 5 | signature_secret = ["env:HOOK", "env:SMTP_PASSWORD", "*********"]
   |                                                      ^^^^^^^^^^^
help: make one with: openssl rand -base64 32"##,
    );
}

#[test]
fn secrets_in_the_clear_are_not_printed() {
    check(
        r##"
[[connector]]
name = "m"
plugin = "email"
config = { password = 12345678 }
[[connector]]
name = "n"
plugin = "csv"
[connector.config]
paths = "x"
password = "in the clear
"##,
        r##"
error[RJ-C003]: this is not TOML: invalid basic string, expected `"`
  --> rejoin.toml:10:25
    |
 10 | password = "************
    |                         ^
help: a text ends with the quote it began with, on the same line; write """ around several lines"##,
    );
}

#[test]
fn a_secret_of_the_wrong_type_is_starred() {
    check(
        r##"
[[connector]]
name = "m"
plugin = "email"
config = { password = 12345678 }
[[connector]]
name = "n"
plugin = "webform"
config = { passwrd = "in the clear" }
"##,
        r##"
error[RJ-C016]: `password` must be a text, not a whole number
  --> rejoin.toml:4:23
   |
 4 | ********
   | ^^^^^^^^

error[RJ-C004]: unknown key `passwrd` in `config` of this plugin
  --> rejoin.toml:8:12
   |
 8 | config = { passwrd = "************" }
   |            ^^^^^^^
help: leave it out: there is nothing to set here"##,
    );
}
