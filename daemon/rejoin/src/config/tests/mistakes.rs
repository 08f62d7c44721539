//! Bad configurations and exactly what is said about them.

use super::read;

#[test]
fn show() {
    for text in [
        "[site]\nnmae = \"x\"\nzone = \"Mars/Base\"\nregion = \"China\"\n",
        "[site]\nname = \"港湾咖啡\" # 咖\nvalues = { 电话 = 12, \"地址\" = \"x\" }\n",
        "[sit]\n",
        "[site]\nname = \"a\nzone = \"UTC\"\n[http]\nlisten = 1 2\n",
        "[http]\nlisten = \"8600\"\nbody_bytes_max = 12\n[store]\nurl = \"mysql://x\"\n",
        "[[connector]]\nname = \"a\"\nplugin = \"csv\"\npoll = \"5 minutes\"\nsweep = \"0 3 * *\"\n",
        "[[connector]]\nname = \"a\"\nplugin = \"csv\"\n[connector.config]\npathes = [\"x\"]\nencoding = \"GBK\"\nheader_lines = 12\nfollow = 1\nlogin = { pasword = \"x\" }\n",
        "[[connector]]\nname = \"a\"\nplugin = \"webform\"\nsweep = \"0 3 * * *\"\nroles = [\"chanel\", \"source\"]\n[[connector]]\nname = \"a\"\nplugin = \"old\"\n",
        "[[connector]]\nname = \"f\"\nplugin = \"webform\"\n[connector.intake]\nrate_limit = \"30\"\nsignature_secret = \"env:NOPE\"\nredirect = \"example.com\"\nthanks = { english = \"x\", en = \"file:missing.txt\" }\n",
        "[[connector]]\nname = \"f\"\nplugin = \"webform\"\n[connector.intake]\nsignature_secret = [\"env:HOOK\", \"env:SMTP_PASSWORD\", \"topsecret\"]\n",
        "[[connector]]\nname = \"c\"\nplugin = \"csv\"\nconfig = { paths = [] }\n[[connector.map]]\nstream = \"row\"\nwhen = \"a b\"\nparty = { name = \"row['姓名'] ~ ' ' ~ first|titel\", nme = \"x\", email = [\"a\", \"b|\"] }\n[[connector.map.activity]]\nkind = \"ordr\"\nat = 5\n[[connector.map.consent]]\nchannel = \"fax\"\n[[connector.map.suppress]]\naddress = \"x\"\nreason = \"bounced\"\n",
        "[[segment]]\nname = \"a\"\nwhere = \"orderz > 3 and city = 5\"\n[[segment]]\nname = \"b\"\nwhere = '''\norders > 3\nand ctiy = 'x'\n'''\n[[segment]]\nname = \"b\"\n",
        "[site]\nname=\"x\"\n[[connector]]\nname = \"mail\"\nplugin = \"email\"\n[[connector]]\nname = \"in\"\nplugin = \"csv\"\nconfig.paths = []\n[[segment]]\nname = \"all\"\nwhere = \"\"\n[[campaign]]\nname = \"c\"\nclass = \"promotion\"\nsegment = \"al\"\nchannels = [\"mali\", \"in\", \"mail\"]\nholdout = 2\ncap = { messages = 1 }\nquiet = { from = \"25:00\", to = \"08:00\" }\nunknown = \"alway\"\nlate = 5\nschedule = \"61 9 * * *\"\n[campaign.content.zh]\ntext = \"x\"\n",
        "segment = 3\n[[campaign]]\n",
        "[[connector]]\nname = \"m\"\nplugin = \"email\"\nconfig = { password = 12345678 }\n[[connector]]\nname = \"n\"\nplugin = \"csv\"\n[connector.config]\npaths = \"x\"\npassword = \"in the clear\n",
    ] {
        println!("#### {text}\n---------\n{}\n", read(text).unwrap_err());
    }
}
