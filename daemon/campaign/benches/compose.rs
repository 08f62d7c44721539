//! How many messages a core composes and decides on in a second: `cargo bench -p rejoin-campaign`.
//!
//! Prints rates and asserts nothing: a slow machine is no defect.

use std::hint::black_box;
use std::time::Instant;

use rejoin_campaign::{compose, parse, policy, schedule};
use rejoin_model::campaign::{
    CampaignClass, Channel, ChannelChoice, Content, QuietHours, Sender, UnknownPolicy,
};
use rejoin_model::customer::Golden;
use rejoin_model::record::PartyKind;
use rejoin_model::{Campaign, Customer, CustomerId, Member, Profile, RecordId, Timestamp};

const COUNT: u32 = 100_000;
const NOW: Timestamp = Timestamp(1_778_666_400_000);

fn member() -> Member {
    let golden = |value: &str| Some(Golden { value: value.to_owned(), from: RecordId(1) });
    let customer = Customer {
        id: CustomerId(1 << 30),
        kind: PartyKind::Person,
        name: golden("王小明"),
        given_name: golden("小明"),
        family_name: golden("王"),
        company: golden("北京华美有限公司"),
        emails: golden("xm@example.org").into_iter().collect(),
        phones: golden("+8613912345678").into_iter().collect(),
        street: None,
        city: golden("北京"),
        postcode: None,
        country: golden("CN"),
        language: golden("zh-CN"),
        zone: golden("Asia/Shanghai"),
        birth_date: None,
        tags: vec!["vip".to_owned()],
        records: 2,
    };
    let state = |granted| rejoin_model::audience::ConsentState {
        channel: "*".to_owned(),
        topic: "news".to_owned(),
        granted,
        at: NOW,
    };
    let profile =
        Profile { orders: 3, last_order_at: Some(Timestamp(1_770_000_000_000)), ..Profile::default() };
    Member { customer, profile, consents: vec![state(true)], suppressed: vec![], marketed_at: vec![] }
}

fn campaign() -> Campaign {
    Campaign {
        name: "spring".to_owned(),
        class: CampaignClass::Marketing,
        topic: "news".to_owned(),
        segment: parse::segment("all", "").unwrap_or_else(|e| panic!("{e:?}")),
        schedule: None,
        zone: "Europe/Prague".to_owned(),
        channels: vec![ChannelChoice { connector: "mail".to_owned(), channel: Channel::Email }],
        holdout: 0.05,
        cap: None,
        quiet: Some(QuietHours { from_min: 21 * 60, to_min: 8 * 60 }),
        late_ms_max: 0,
        lifetime_ms: 0,
        unknown: UnknownPolicy::Never,
        content: vec![],
    }
}

fn measure(what: &str, mut one: impl FnMut()) {
    let start = Instant::now();
    (0..COUNT).for_each(|_| one());
    println!("{what}: {:.0}/s", f64::from(COUNT) / start.elapsed().as_secs_f64());
}

fn main() {
    let body = "{{ customer.family_name|default('您') }}好！您上次订购是 {{ profile.days_since_last_order|default('许多') }} 天前。\
                {% if profile.orders > 2 %}老客户八折。{% endif %}{{ site.name }}";
    let content = Content {
        subject: Some("{{ customer.name }}，好久不见".to_owned()),
        text: Some(body.to_owned()),
        html: Some(format!("<html><body><p>{body}</p></body></html>")),
        sms: None,
    };
    let sender = Sender {
        name: "华美".to_owned(),
        postal_address: "北京市朝阳区 1 号".to_owned(),
        ..Sender::default()
    };
    let templates =
        compose::compile(&[("zh".to_owned(), content)], &sender).unwrap_or_else(|e| panic!("{e:?}"));
    let (member, campaign) = (member(), campaign());
    let url = "https://example.org/u/AQAAAAAAAAABAAAAAAAAAGMBbmV3cw0123456789abcdef";
    let ctx = compose::ComposeContext {
        campaign: &campaign,
        channel: Channel::Email,
        unsubscribe_url: Some(url),
        now: NOW,
    };
    measure("compose (subject, text, html)", || {
        black_box(templates.compose(&member, &ctx)).unwrap_or_else(|e| panic!("{e}"));
    });
    measure("decide", || {
        black_box(policy::decide(&member, &campaign, NOW, policy::Stage::Claim, None));
    });
    let schedule =
        schedule::Schedule::parse("*/5 * * * *", "America/New_York").unwrap_or_else(|e| panic!("{e}"));
    let mut at = NOW;
    measure("next fire time", || at = schedule.next_after(at).unwrap_or(NOW));
}
