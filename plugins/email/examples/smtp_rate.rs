//! How fast the plugin alone hands messages to an SMTP server, without a daemon. For loopback sinks only.
//!
//! `cargo run --release -p rejoin-plugin-email --example smtp_rate -- HOST:PORT [messages] [connections] [per call] [per connection]`

use std::{env, process::ExitCode, time::Instant};

use rejoin_email::Email;
use rejoin_plugin_api::{Channel, Host, Message, Outcome, Outcomes, Plugin};

fn main() -> ExitCode {
    match run() {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, String> {
    let args: Vec<String> = env::args().skip(1).collect();
    let (host, port) =
        args.first().and_then(|a| a.rsplit_once(':')).ok_or("give HOST:PORT of a loopback sink")?;
    let number =
        |at: usize, usual: usize| args.get(at).map_or(Ok(usual), |a| a.parse().map_err(|_| format!("{a}?")));
    let (count, connections) = (number(1, 20_000)?, number(2, 8)?);
    let (per_call, per_connection) = (number(3, 500)?, number(4, 1000)?);
    let config = format!(
        r#"{{"from":"Shop <care@shop.test>","domain":"shop.test","smtp":{{"host":"{host}","port":{port},"tls":"none",
        "connections":{connections},"messages_per_connection":{per_connection}}}}}"#
    );
    let config = serde_json::from_str(&config).map_err(|e| e.to_string())?;
    let mut plugin = Email::open(config, Host::detached()).map_err(|e| e.to_string())?;
    let messages: Vec<Message> = (0..per_call).map(message).collect();
    let mut accepted = 0;
    let start = Instant::now();
    let mut left = count;
    while left > 0 {
        let some = &messages[..left.min(per_call)];
        let mut report =
            |_: u32, outcome: &Outcome| accepted += usize::from(matches!(outcome, Outcome::Accepted { .. }));
        plugin.send(some, &mut Outcomes::new(&mut report)).map_err(|e| e.to_string())?;
        left -= some.len();
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(format!(
        "{accepted} of {count} messages accepted in {seconds:.2} s: {:.0}/s with {connections} connections, {per_call} a call",
        count as f64 / seconds
    ))
}

/// About 1 KB in text and HTML, as a campaign sends.
fn message(n: usize) -> Message {
    let line = "您好，我们很久没有见到您了。Here is ten percent off your next order.\n";
    Message {
        idempotency_key: format!("k{n}"),
        message_id: format!("m{n}"),
        to: format!("c{n}@customer.test"),
        to_name: Some("李雷".into()),
        subject: Some("我们想念您 We miss you".into()),
        text: Some(line.repeat(3)),
        html: Some(format!("<p>{}</p>", line.repeat(3))),
        headers: vec![
            ("List-Unsubscribe".into(), format!("<https://shop.test/u/{n}>")),
            ("List-Unsubscribe-Post".into(), "List-Unsubscribe=One-Click".into()),
        ],
    }
}
