//! Words that say nothing about who somebody is, and spellings that say the same. Data only.
//!
//! Short on purpose: each entry is common in both our languages' customer lists, and a missing one costs a missed
//! link, not a wrong one.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Whole names that stand for "no name".
pub(super) const PLACEHOLDERS: &[&str] = &[
    "-",
    "--",
    "?",
    ".",
    "n/a",
    "na",
    "none",
    "null",
    "nil",
    "unknown",
    "anonymous",
    "no name",
    "noname",
    "test",
    "无",
    "無",
    "未知",
    "匿名",
    "佚名",
    "测试",
    "不详",
    "客户",
    "先生",
    "女士",
    "小姐",
];

pub(super) const TITLES: &[&str] = &[
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "madam", "mme", "herr", "frau", "pani", "ing",
    "mgr", "bc", "mudr", "judr", "phdr", "rndr", "phd", "mba", "csc", "jr", "sr", "esq",
];

/// Longer before shorter.
pub(super) const TITLES_HAN: &[&str] = &[
    "总经理",
    "董事长",
    "先生",
    "女士",
    "小姐",
    "太太",
    "夫人",
    "老师",
    "经理",
    "主任",
    "教授",
    "医生",
    "师傅",
    "同学",
    "阿姨",
    "总监",
];

/// Longer before shorter: each is taken away once.
pub(super) const LEGAL_HAN: &[&str] = &[
    "有限责任公司",
    "股份有限公司",
    "集团有限公司",
    "有限公司",
    "股份公司",
    "集团公司",
    "合伙企业",
    "分公司",
    "公司",
    "集团",
];

/// Last words that make a name of unknown kind an organisation's.
pub(super) const LEGAL_WORDS: &[&str] = &[
    "ltd",
    "limited",
    "inc",
    "incorporated",
    "llc",
    "llp",
    "plc",
    "corp",
    "corporation",
    "company",
    "gmbh",
    "sro",
    "spol",
    "bv",
    "nv",
    "sarl",
    "srl",
    "pty",
    "pte",
];

/// The same, when written with dots (`a.s.`) or when the source says it is an organisation: as bare words they are
/// also surnames.
pub(super) const LEGAL_SHORT: &[&str] = &[
    "as", "ag", "ab", "co", "kg", "kk", "lp", "oy", "sa", "sas", "spa", "ug", "vos", "sro", "bv", "nv",
    "srl", "llc",
];

/// Nickname → the name it stands for; sorted by nickname.
#[rustfmt::skip] // one entry a line would be two screens of nothing
const NICKNAMES: &[(&str, &str)] = &[
    ("abby", "abigail"), ("al", "albert"), ("alex", "alexander"), ("andy", "andrew"), ("becky", "rebecca"),
    ("ben", "benjamin"), ("beth", "elizabeth"), ("betty", "elizabeth"), ("bill", "william"),
    ("billy", "william"), ("bob", "robert"), ("bobby", "robert"), ("cathy", "catherine"),
    ("charlie", "charles"), ("chris", "christopher"), ("dan", "daniel"), ("danny", "daniel"),
    ("dave", "david"), ("dick", "richard"), ("ed", "edward"), ("eddie", "edward"), ("eliza", "elizabeth"),
    ("franta", "frantisek"), ("fred", "frederick"), ("freddie", "frederick"), ("greg", "gregory"),
    ("harry", "henry"), ("honza", "jan"), ("jack", "john"), ("jake", "jacob"), ("jen", "jennifer"),
    ("jenny", "jennifer"), ("jim", "james"), ("jimmy", "james"), ("jirka", "jiri"), ("joe", "joseph"),
    ("johnny", "john"), ("jon", "jonathan"), ("josh", "joshua"), ("kate", "catherine"),
    ("katherine", "catherine"), ("kathy", "catherine"), ("katie", "catherine"), ("ken", "kenneth"),
    ("kim", "kimberly"), ("larry", "lawrence"), ("lisa", "elizabeth"), ("liz", "elizabeth"),
    ("maggie", "margaret"), ("matt", "matthew"), ("max", "maxwell"), ("meg", "margaret"),
    ("mick", "michael"), ("mike", "michael"), ("molly", "mary"), ("nick", "nicholas"), ("pat", "patrick"),
    ("patty", "patricia"), ("peggy", "margaret"), ("pepa", "josef"), ("pete", "peter"), ("ray", "raymond"),
    ("rich", "richard"), ("rick", "richard"), ("rob", "robert"), ("ron", "ronald"), ("sally", "sarah"),
    ("sam", "samuel"), ("sandy", "sandra"), ("stephen", "steven"), ("steve", "steven"), ("sue", "susan"),
    ("susie", "susan"), ("ted", "edward"), ("terry", "terence"), ("tim", "timothy"), ("tom", "thomas"),
    ("tommy", "thomas"), ("tony", "anthony"), ("vicky", "victoria"), ("will", "william"),
    ("zack", "zachary"),
];

pub(super) fn full_name(word: &str) -> &str {
    NICKNAMES.binary_search_by_key(&word, |(nick, _)| nick).map_or(word, |at| NICKNAMES[at].1)
}

/// Traditional and simplified in turn: characters common in names and company names.
const TRADITIONAL: &str = "\
陳陈張张劉刘黃黄趙赵吳吴孫孙馬马鄭郑謝谢許许馮冯韓韩鄧邓蕭萧呂吕蘇苏盧卢蔣蒋賈贾葉叶閻阎餘余鍾钟譚谭陸陆範范韋韦鄒邹賴赖龔龚龐庞蘭兰齊齐莊庄塗涂\
聶聂駱骆紀纪項项歐欧陽阳藺蔺竇窦畢毕鄔邬嚴严華华關关衛卫湯汤顧顾龍龙萬万錢钱樂乐魯鲁鮑鲍費费賀贺羅罗楊杨邊边單单寧宁喬乔祿禄東东諸诸聞闻偉伟強强\
軍军傑杰濤涛國国飛飞鵬鹏輝辉剛刚靜静麗丽豔艳艷艳紅红雲云鳳凤蓮莲瓊琼瑩莹嬌娇婭娅慶庆榮荣貴贵寶宝財财興兴發发義义禮礼賢贤聖圣愛爱學学書书詩诗畫画\
夢梦曉晓銀银鐵铁鋼钢錦锦銘铭鋒锋鈞钧鎮镇長长順顺達达遠远進进運运連连選选鄉乡億亿儀仪優优傳传倫伦們们個个勝胜勁劲勳勋動动務务勵励區区廣广廠厂應应\
彌弥彥彦後后從从懷怀憶忆戰战戲戏揚扬換换擇择據据擁拥數数時时晉晋暉晖會会朧胧業业極极樹树橋桥機机檢检歡欢歲岁歷历殘残氣气漢汉漣涟潔洁澤泽濟济瀟潇\
灣湾煥焕煒炜燁烨燦灿爾尔獻献瑋玮瑪玛璣玑環环璽玺產产碩硕確确禎祯種种穎颖積积穩稳競竞筆笔節节簡简純纯紹绍細细終终組组結结絢绚給给統统絲丝經经綠绿\
維维綺绮綾绫網网緒绪線线練练縣县總总織织繼继續续纖纤罰罚習习聯联聰聪聲声職职脈脉腦脑臨临舊旧萊莱蒼苍藍蓝藝艺薩萨蘊蕴蘋苹處处號号衆众術术裝装裡里\
見见規规視视親亲覺觉觀观計计訊讯設设評评詠咏話话誠诚語语說说請请論论諾诺謀谋謙谦講讲識识護护譯译讀读變变讓让貝贝負负貞贞貿贸資资賓宾質质購购贏赢\
軒轩軟软輪轮車车轉转農农這这週周遊游過过還还邁迈郵邮鄰邻醫医釋释針针鈴铃鉅钜銳锐鋪铺錄录鍵键鎖锁鏡镜鑒鉴門门開开間间閃闪閣阁閩闽闊阔隊队際际隨随\
險险雙双雜杂雞鸡離离難难電电霧雾靈灵韻韵響响頁页頂顶須须預预領领頭头題题願愿顏颜類类風风館馆駿骏騰腾驗验體体鬆松魚鱼鮮鲜鳥鸟鴻鸿鵑鹃鶴鹤鷹鹰麥麦\
點点齡龄龜龟";

static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let letters: Vec<char> = TRADITIONAL.chars().collect();
    letters.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
});

/// The simplified character; itself when it is simplified, common to both, or not in the table.
pub(super) fn simplified(letter: char) -> char {
    SIMPLIFIED.get(&letter).copied().unwrap_or(letter)
}

/// Common surnames with their spellings: pinyin without tones, then other frequent ones.
#[rustfmt::skip] // one entry a line would be two screens of nothing
const SURNAMES: &[(&str, &str)] = &[
    ("王", "wang wong ong"), ("李", "li lee"), ("张", "zhang chang cheung"), ("刘", "liu lau lew"),
    ("陈", "chen chan tan"), ("杨", "yang yeung"), ("赵", "zhao chao chiu"), ("黄", "huang wong ng"),
    ("周", "zhou chou chow"), ("吴", "wu ng"), ("徐", "xu hsu tsui"), ("孙", "sun suen"), ("胡", "hu wu"),
    ("朱", "zhu chu"), ("高", "gao kao ko"), ("林", "lin lam lim"), ("何", "he ho"), ("郭", "guo kuo kwok"),
    ("马", "ma"), ("罗", "luo lo law"), ("梁", "liang leung"), ("宋", "song sung"), ("郑", "zheng cheng"),
    ("谢", "xie hsieh tse"), ("韩", "han hon"), ("唐", "tang tong"), ("冯", "feng fung"), ("于", "yu"),
    ("董", "dong tung"), ("萧", "xiao hsiao siu"), ("肖", "xiao"), ("程", "cheng ching"),
    ("曹", "cao tsao cho"), ("袁", "yuan yuen"), ("邓", "deng teng tang"), ("许", "xu hsu hui"),
    ("傅", "fu"), ("付", "fu"), ("沈", "shen sum"), ("曾", "zeng tseng tsang"), ("彭", "peng pang"),
    ("吕", "lu lv lyu lui"), ("苏", "su so"), ("卢", "lu lo"), ("蒋", "jiang chiang"),
    ("蔡", "cai tsai choi"), ("贾", "jia"), ("丁", "ding ting"), ("魏", "wei ngai"), ("薛", "xue hsueh"),
    ("叶", "ye yeh yip ip"), ("阎", "yan"), ("闫", "yan"), ("余", "yu"), ("潘", "pan poon"),
    ("杜", "du tu to"), ("戴", "dai tai"), ("夏", "xia hsia"), ("钟", "zhong chung"), ("汪", "wang"),
    ("田", "tian tien"), ("任", "ren jen yam"), ("姜", "jiang"), ("范", "fan"), ("方", "fang fong"),
    ("石", "shi shih"), ("姚", "yao yiu"), ("谭", "tan tam"), ("廖", "liao liu"), ("邹", "zou"),
    ("熊", "xiong"), ("金", "jin chin kam"), ("陆", "lu luk"), ("郝", "hao"), ("孔", "kong kung"),
    ("白", "bai pai pak"), ("崔", "cui tsui"), ("康", "kang hong"), ("毛", "mao mo"),
    ("邱", "qiu chiu yau"), ("秦", "qin chin"), ("江", "jiang chiang kong"), ("史", "shi shih"),
    ("顾", "gu ku koo"), ("侯", "hou hau"), ("邵", "shao siu"), ("孟", "meng"), ("龙", "long lung"),
    ("万", "wan"), ("段", "duan"), ("雷", "lei lui"), ("钱", "qian chien"), ("汤", "tang tong"),
    ("尹", "yin"), ("黎", "li lai"), ("易", "yi"), ("常", "chang"), ("武", "wu"), ("乔", "qiao chiao"),
    ("贺", "he ho"), ("赖", "lai"), ("龚", "gong kung"), ("文", "wen man"), ("樊", "fan"), ("殷", "yin"),
    ("施", "shi shih"), ("陶", "tao"), ("洪", "hong hung"), ("翟", "zhai"), ("安", "an"), ("颜", "yan"),
    ("倪", "ni"), ("严", "yan yen"), ("牛", "niu"), ("温", "wen wan"), ("芦", "lu"), ("季", "ji"),
    ("俞", "yu"), ("章", "zhang"), ("鲁", "lu"), ("葛", "ge"), ("伍", "wu ng"), ("韦", "wei"),
    ("申", "shen"), ("尤", "you yu"), ("毕", "bi"), ("聂", "nie"), ("焦", "jiao"), ("向", "xiang"),
    ("柳", "liu"), ("邢", "xing"), ("路", "lu"), ("岳", "yue"), ("齐", "qi"), ("梅", "mei mui"),
    ("莫", "mo mok"), ("庄", "zhuang chong"), ("辛", "xin"), ("管", "guan"), ("祝", "zhu"), ("左", "zuo"),
    ("涂", "tu"), ("谷", "gu"), ("祁", "qi"), ("时", "shi"), ("舒", "shu"), ("耿", "geng"), ("卜", "bu"),
    ("詹", "zhan chan jim"), ("关", "guan kwan"), ("苗", "miao"), ("凌", "ling"), ("费", "fei"),
    ("纪", "ji chi"), ("欧", "ou au"), ("甘", "gan kan"), ("单", "shan"), ("华", "hua wah"),
    ("游", "you yau"), ("裴", "pei"), ("古", "gu"), ("霍", "huo fok"), ("宁", "ning"), ("童", "tong"),
    ("骆", "luo"), ("项", "xiang hong"), ("包", "bao pao"), ("兰", "lan"),
];

pub(super) const COMPOUND_SURNAMES: &[(&str, &str)] = &[
    ("欧阳", "ouyang auyeung"),
    ("司马", "sima"),
    ("上官", "shangguan"),
    ("诸葛", "zhuge"),
    ("司徒", "situ szeto"),
    ("东方", "dongfang"),
    ("皇甫", "huangfu"),
    ("尉迟", "yuchi"),
    ("公孙", "gongsun"),
    ("慕容", "murong"),
    ("令狐", "linghu"),
    ("夏侯", "xiahou"),
    ("端木", "duanmu"),
    ("南宫", "nangong"),
];

static SPELT: LazyLock<HashMap<char, &str>> = LazyLock::new(|| {
    SURNAMES.iter().filter_map(|(surname, spelt)| Some((surname.chars().next()?, *spelt))).collect()
});

pub(super) fn pinyin_of_surname(letter: char) -> Option<&'static str> {
    SPELT.get(&letter).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_the_shape_their_readers_assume() {
        assert!(NICKNAMES.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted, each once");
        assert!(NICKNAMES.iter().all(|(_, full)| full_name(full) == *full), "one step is enough");
        assert_eq!(TRADITIONAL.chars().count() % 2, 0, "pairs");
        assert!(SIMPLIFIED.values().all(|&c| simplified(c) == c), "one step is enough");
        assert_eq!(SPELT.len(), SURNAMES.len(), "each surname once");
    }
}
