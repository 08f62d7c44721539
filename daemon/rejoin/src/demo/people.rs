//! The people of the demo: a truth that the files then tell badly.

use super::random::Random;

/// Hanzi and pinyin.
const SURNAMES: [(&str, &str); 24] = [
    ("王", "Wang"),
    ("李", "Li"),
    ("张", "Zhang"),
    ("刘", "Liu"),
    ("陈", "Chen"),
    ("杨", "Yang"),
    ("赵", "Zhao"),
    ("黄", "Huang"),
    ("周", "Zhou"),
    ("吴", "Wu"),
    ("徐", "Xu"),
    ("孙", "Sun"),
    ("胡", "Hu"),
    ("朱", "Zhu"),
    ("高", "Gao"),
    ("林", "Lin"),
    ("何", "He"),
    ("郭", "Guo"),
    ("马", "Ma"),
    ("罗", "Luo"),
    ("梁", "Liang"),
    ("宋", "Song"),
    ("郑", "Zheng"),
    ("欧阳", "Ouyang"),
];
const GIVEN: [(&str, &str); 26] = [
    ("伟", "Wei"),
    ("芳", "Fang"),
    ("娜", "Na"),
    ("敏", "Min"),
    ("静", "Jing"),
    ("强", "Qiang"),
    ("磊", "Lei"),
    ("洋", "Yang"),
    ("勇", "Yong"),
    ("艳", "Yan"),
    ("杰", "Jie"),
    ("娟", "Juan"),
    ("涛", "Tao"),
    ("明", "Ming"),
    ("超", "Chao"),
    ("秀英", "Xiuying"),
    ("建国", "Jianguo"),
    ("晓东", "Xiaodong"),
    ("雨欣", "Yuxin"),
    ("子轩", "Zixuan"),
    ("梓涵", "Zihan"),
    ("思远", "Siyuan"),
    ("佳怡", "Jiayi"),
    ("浩然", "Haoran"),
    ("文博", "Wenbo"),
    ("丽华", "Lihua"),
];
/// Full and familiar form.
const FIRST: [(&str, &str); 22] = [
    ("William", "Bill"),
    ("Robert", "Bob"),
    ("Elizabeth", "Liz"),
    ("Katherine", "Kate"),
    ("Michael", "Mike"),
    ("Jennifer", "Jen"),
    ("Thomas", "Tom"),
    ("Margaret", "Maggie"),
    ("Richard", "Rick"),
    ("Alexander", "Alex"),
    ("Susan", "Sue"),
    ("James", "Jim"),
    ("Patricia", "Pat"),
    ("Daniel", "Dan"),
    ("Zoë", "Zoe"),
    ("José", "Jose"),
    ("Victoria", "Vicky"),
    ("Benjamin", "Ben"),
    ("Samantha", "Sam"),
    ("Andrew", "Andy"),
    ("Nicole", "Nicky"),
    ("Olivia", "Liv"),
];
const LAST: [&str; 24] = [
    "Smith", "Johnson", "Novák", "Brown", "Müller", "Davies", "Garcia", "O'Brien", "Taylor", "Kowalski",
    "Evans", "Anderson", "Dubois", "Martin", "Svoboda", "Clarke", "Rossi", "Walker", "Jensen", "Hughes",
    "Fischer", "Moore", "Černá", "Bennett",
];
const CITIES_ZH: [&str; 8] = ["北京", "上海", "广州", "深圳", "杭州", "成都", "南京", "西安"];
const CITIES_EN: [&str; 8] = ["London", "Brno", "Dublin", "Berlin", "Leeds", "Vienna", "Porto", "Boston"];
const COMPANIES_ZH: [&str; 5] = ["华兴贸易有限公司", "远东电子", "绿源食品", "蓝海物流", "明德教育"];
const COMPANIES_EN: [&str; 5] =
    ["Harbour Coffee Ltd", "Northwind Traders", "Blue Door Books", "Acme Tools", "Fenwick & Co"];

/// Days before the demo's today.
pub type DaysAgo = i64;

/// One real person.
pub struct Person {
    pub number: usize,
    pub chinese: bool,
    pub family: &'static str,
    pub given: String,
    /// Pinyin of a Chinese name, or the familiar form of an English given name.
    pub family_latin: &'static str,
    pub given_other: String,
    pub email: String,
    /// National form without country code.
    pub phone: String,
    pub city: &'static str,
    pub company: Option<&'static str>,
    pub orders: Vec<Order>,
    pub complained: Option<DaysAgo>,
}

pub struct Order {
    pub days_ago: DaysAgo,
    pub cents: i64,
}

impl Person {
    /// As this person's own language writes it.
    pub fn name(&self) -> String {
        if self.chinese {
            format!("{}{}", self.family, self.given)
        } else {
            format!("{} {}", self.given, self.family)
        }
    }

    /// Pinyin, or the familiar form.
    pub fn other_name(&self) -> String {
        if self.chinese {
            format!("{} {}", self.given_other, self.family_latin)
        } else {
            format!("{} {}", self.given_other, self.family)
        }
    }

    pub fn language(&self) -> &'static str {
        if self.chinese { "zh" } else { "en" }
    }

    /// International form.
    pub fn e164(&self) -> String {
        if self.chinese { format!("+86{}", self.phone) } else { format!("+44{}", &self.phone[1..]) }
    }
}

/// `count` people; the same seed gives the same ones.
pub fn people(count: usize, random: &mut Random) -> Vec<Person> {
    (0..count).map(|number| person(number, random)).collect()
}

fn person(number: usize, random: &mut Random) -> Person {
    let chinese = random.chance(60);
    let (family, family_latin, given, given_other) = if chinese {
        let ((family, pinyin), (given, given_pinyin)) = (*random.pick(&SURNAMES), *random.pick(&GIVEN));
        (family, pinyin, given.to_owned(), given_pinyin.to_owned())
    } else {
        let (family, (given, familiar)) = (*random.pick(&LAST), *random.pick(&FIRST));
        (family, family, given.to_owned(), familiar.to_owned())
    };
    let plain: String = format!("{given_other}.{family_latin}").chars().filter_map(ascii).collect();
    let domain = *random.pick(if chinese {
        &["163.example", "qq.example"][..]
    } else {
        &["mail.example", "post.example"][..]
    });
    let phone = if chinese {
        format!("13{:09}", 500_000_000 + number * 7_919)
    } else {
        format!("07700{:06}", 900_000 + number)
    };
    let cities: &[&'static str] = if chinese { &CITIES_ZH } else { &CITIES_EN };
    let city = *random.pick(cities);
    Person {
        number,
        chinese,
        family,
        given,
        family_latin,
        given_other,
        email: format!("{plain}{number}@{domain}"),
        phone,
        city,
        company: random
            .chance(15)
            .then(|| *random.pick(if chinese { &COMPANIES_ZH[..] } else { &COMPANIES_EN[..] })),
        orders: orders(random),
        complained: random.chance(4).then(|| random.between(1, 20)),
    }
}

/// A third buys steadily, a third has stopped, a third bought once or never.
fn orders(random: &mut Random) -> Vec<Order> {
    let (count, latest) = match random.below(3) {
        0 => (random.between(3, 9), random.between(2, 45)),
        1 => (random.between(2, 7), random.between(100, 320)),
        _ => (random.between(0, 1), random.between(5, 300)),
    };
    let gap = random.between(20, 50);
    (0..count)
        .map(|i| Order {
            days_ago: latest + i * gap + random.between(0, 9),
            cents: random.between(900, 48_000),
        })
        .collect()
}

fn ascii(c: char) -> Option<char> {
    match c {
        'ë' | 'é' => Some('e'),
        'á' => Some('a'),
        'ü' => Some('u'),
        'Č' => Some('c'),
        '\'' | ' ' => None,
        c => Some(c.to_ascii_lowercase()),
    }
}
