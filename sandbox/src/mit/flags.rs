//! The names of principals' flags in kadmin, `kdc.conf` and `kadm5.acl`.

use crate::settings::Attribute;

/// MIT's alternative names, each with kadmin's name and whether it has the same sense.
const OTHER_NAMES: [(&str, &str, bool); 24] = [
    ("postdateable", "allow_postdated", true),
    ("disallow_postdated", "allow_postdated", false),
    ("forwardable", "allow_forwardable", true),
    ("disallow_forwardable", "allow_forwardable", false),
    ("tgt_based", "allow_tgs_req", true),
    ("disallow_tgt_based", "allow_tgs_req", false),
    ("renewable", "allow_renewable", true),
    ("disallow_renewable", "allow_renewable", false),
    ("proxiable", "allow_proxiable", true),
    ("disallow_proxiable", "allow_proxiable", false),
    ("dup_skey", "allow_dup_skey", true),
    ("disallow_dup_skey", "allow_dup_skey", false),
    ("allow_tickets", "allow_tix", true),
    ("disallow_all_tix", "allow_tix", false),
    ("preauth", "requires_preauth", true),
    ("requires_pre_auth", "requires_preauth", true),
    ("hwauth", "requires_hwauth", true),
    ("requires_hw_auth", "requires_hwauth", true),
    ("pwchange", "needchange", true),
    ("requires_pwchange", "needchange", true),
    ("service", "allow_svr", true),
    ("disallow_svr", "allow_svr", false),
    ("pwservice", "password_changing_service", true),
    ("pwchange_service", "password_changing_service", true),
];

/// Parses `+preauth`, `-tgt-based` or `forwardable`, in any case.
pub(crate) fn parse(text: &str) -> Result<Attribute, String> {
    let (on, name) = match text.strip_prefix('-') {
        Some(name) => (false, name),
        None => (true, text.strip_prefix('+').unwrap_or(text)),
    };
    let name = name.to_ascii_lowercase().replace('-', "_");
    let other = OTHER_NAMES.iter().find(|(other, ..)| *other == name);
    let (name, same) = other.map_or((name.as_str(), true), |(_, own, same)| (*own, *same));
    let sign = if on == same { '+' } else { '-' };
    Attribute::parse(&format!("{sign}{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_mits_is_known() {
        for (text, expected) in [
            ("+preauth", "+requires_preauth"),
            ("TGT-based", "+allow_tgs_req"),
            ("-disallow_all_tix", "+allow_tix"),
            ("+disallow-svr", "-allow_svr"),
            ("-ok-to-auth-as-delegate", "-ok_to_auth_as_delegate"),
        ] {
            assert_eq!(
                parse(text).map(|read| read.to_string()),
                Ok(expected.to_owned()),
                "{text}"
            );
        }
        let refused = parse("+preath").expect_err("no flag");
        assert!(refused.contains("preath"), "{refused}");
    }
}
