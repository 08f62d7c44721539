use proptest::prelude::*;
use rejoin_model::Party;
use rejoin_model::customer::NameVerdict::{self, Different, Missing, OtherScript, Same, Similar};
use rejoin_model::record::PartyKind;

use super::*;

fn form(written: &str) -> NameForm {
    NameForm::read(written, PartyKind::Unknown)
}

fn check(cases: &[(&str, &str, NameVerdict)]) {
    for (a, b, expected) in cases {
        let (a_form, b_form) = (form(a), form(b));
        assert_eq!(compare(&a_form, &b_form), *expected, "{a} / {b}: {a_form:?} / {b_form:?}");
        assert_eq!(compare(&b_form, &a_form), *expected, "{b} / {a}");
    }
}

#[test]
fn latin_names() {
    check(&[
        ("John Smith", "SMITH, John", Same),
        ("Mr. John Smith", "john smith", Same),
        ("Ing. Jiří Dvořák, Ph.D.", "Jiri Dvorak", Similar),
        ("José Muñoz", "jose munoz", Same),
        ("Ｊｏｈｎ　Ｓｍｉｔｈ", "John Smith", Same),
        ("Seán O'Brien", "Sean OBrien", Same),
        ("Anne-Marie Dupont", "Anne Marie Dupont", Same),
        ("Thomas Müller", "Thomas Mueller", Similar),
        ("J. Smith", "John Smith", Similar),
        ("B. Smith", "Bob Smith", Similar),
        ("R. Smith", "Bob Smith", Similar),
        ("Bob Smith", "Robert Smith", Similar),
        ("Jon Smith", "John Smith", Similar),
        ("John Smtih", "John Smith", Similar),
        ("Smith", "John Smith", Similar),
        ("John", "John Smith", Similar),
        ("John Paul Smith", "John Smith", Similar),
        ("Maryann Smith", "Mary Ann Smith", Similar),
        ("Li Xiaoming", "Xiao Ming Li", Similar),
        ("Anna Nováková", "Anna Novak", Similar),
        ("Jan Novák", "Jana Nováková", Different),
        ("Anna Smith", "John Smith", Different),
        ("John Smith", "Jane Smith", Different),
        ("Martin Dvorak", "Martina Dvorak", Different),
        ("J. S.", "John Smith", Different),
        ("John Smith", "Peter Jones", Different),
        ("", "John Smith", Missing),
        ("n/a", "John Smith", Missing),
        ("john@example.com", "John Smith", Missing),
        ("12345", "John Smith", Missing),
    ]);
}

#[test]
fn hanzi_names() {
    check(&[
        ("王伟", "王 伟", Same),
        ("王偉", "王伟", Same),
        ("陳曉東先生", "陈晓东", Same),
        ("欧阳娜娜女士", "歐陽娜娜", Same),
        ("王先生", "王伟", Similar),
        ("小王", "王伟", Similar),
        ("王总", "王伟", Similar),
        ("小明", "王小明", Similar),
        ("伟王", "王伟", Similar),
        ("欧阳先生", "欧阳娜娜", Similar),
        ("王伟", "王芳", Different),
        ("王小明", "王小红", Different),
        ("王伟", "李伟", Different),
        ("未知", "王伟", Missing),
        ("David 王", "王伟", Similar),
        ("David 王伟", "王伟", Similar),
    ]);
}

#[test]
fn across_scripts_only_the_surname_can_speak() {
    check(&[
        ("王伟", "Wang Wei", Similar),
        ("王伟", "Wei Wang", Similar),
        ("王伟", "wangwei", Similar),
        ("王伟", "David Wong", Similar),
        ("欧阳娜娜", "Nana Ouyang", Similar),
        ("吕布", "Lyu Bu", Similar),
        ("王伟", "Anna Novak", OtherScript),
        ("王伟", "David", OtherScript),
        ("Иван Петров", "Ivan Petrov", OtherScript),
        ("Иван Петров", "ПЕТРОВ Иван", Same),
    ]);
}

#[test]
fn organisations_and_persons() {
    check(&[
        ("Acme Ltd", "ACME Limited", Same),
        ("Acme s.r.o.", "Acme, spol. s r.o.", Same),
        ("Acme Co., Ltd.", "Acme Ltd", Same),
        ("Acme", "Acme a.s.", Similar),
        ("Acme Trading Ltd", "Acme Ltd", Similar),
        ("Acme Ltd", "Bolt Ltd", Different),
        ("John Smith", "Smith Ltd", Different),
        ("深圳市华强电子有限公司", "深圳市華強電子股份有限公司", Same),
        ("深圳市华强电子有限公司", "华强电子有限公司", Similar),
        ("深圳市华强电子有限公司", "王伟", Different),
        ("深圳市华强电子有限公司", "Huaqiang Electronics Ltd", OtherScript),
        // Also surnames: no legal form without dots.
        ("Maria Sa", "Maria Sá", Same),
    ]);
    assert!(!form("Maria Sá").organisation);
}

#[test]
fn the_name_is_taken_from_the_fields_there_are() {
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (
            Party { given_name: text("John"), family_name: text("Smith"), ..Party::default() },
            "john smith",
            "",
            false,
        ),
        (Party { given_name: text("伟"), family_name: text("王"), ..Party::default() }, "", "王伟", false),
        (Party { name: text(" "), company: text("Acme Ltd"), ..Party::default() }, "acme", "", true),
        (Party { name: text("Jo Co"), kind: PartyKind::Organisation, ..Party::default() }, "jo", "", true),
        (Party { name: text("Jo Ltd"), kind: PartyKind::Person, ..Party::default() }, "jo ltd", "", false),
        (Party { kind: PartyKind::Person, company: text("Acme"), ..Party::default() }, "", "", false),
    ];
    for (party, words, han, organisation) in cases {
        let expected = NameForm { words: words.to_owned(), han: han.to_owned(), organisation };
        assert_eq!(NameForm::of(&party), expected, "{party:?}");
    }
}

#[test]
fn ways_of_writing_one_name_have_one_voice() {
    for (a, b) in [
        ("Bob Smith", "SMITH, Robert"),
        ("J. Smith", "John Smith"),
        ("Jon Smyth", "John Smith"),
        ("王偉先生", "王伟"),
    ] {
        assert_eq!(form(a).voice(), form(b).voice(), "{a} / {b}");
    }
    assert_ne!(form("Anna Smith").voice(), form("John Smith").voice());
    assert_eq!(form("").voice(), None);
}

fn any_name() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "John",
        "Jon",
        "J.",
        "Smith",
        "Smyth",
        "Bob",
        "Robert",
        "Anna",
        "Ann",
        "Mary",
        "Maryann",
        "Ltd",
        "s.r.o.",
        "王",
        "伟",
        "王伟",
        "陳",
        "欧阳",
        "先生",
        "Wang",
        "Wei",
        "wangwei",
        "Иван",
        "有限公司",
        "Ñ",
        "-",
    ]);
    prop::collection::vec(word, 0..5).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn comparison_is_symmetric_and_reflexive(a in any_name(), b in any_name()) {
        let (a, b) = (form(&a), form(&b));
        prop_assert_eq!(compare(&a, &b), compare(&b, &a));
        prop_assert_eq!(compare(&a, &a), if a.is_missing() { Missing } else { Same });
        prop_assert_eq!(compare(&a, &b) == Same, a == b && !a.is_missing());
    }

    #[test]
    fn any_text_can_be_a_name(text in any::<String>()) {
        let form = form(&text);
        prop_assert_eq!(form.voice().is_none(), form.is_missing());
    }
}
