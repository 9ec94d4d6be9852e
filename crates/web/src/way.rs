//! A way over several identities as a picture: who, by which method, to whom. It is told by the evidence of a finding under
//! `derived.escalation_step[N]`, each step an object of `from`, `method`, `title`, `to`, `because` and `assumes`.

use crate::{
    markdown,
    ui::{Ui, short},
};
use serde_json::Value;
use yagura_content::{Kind, Library};
use yagura_model::Arn;

/// How the keys begin that say the same in words and as steps: the picture takes the place of both.
const KEYS: [&str; 2] = ["derived.escalation[", "derived.escalation_step["];
/// Steps that a page draws: an account has no longer shortest way.
const MOST: usize = 20;
/// Letters of a name or reason.
const LENGTH: usize = 300;

/// One step, with whom it ends at.
pub(crate) struct Leg {
    pub title: String,
    pub method: String,
    pub because: Vec<String>,
    pub assumes: Option<String>,
    /// What the content says of the method, as HTML.
    pub body: Option<String>,
    /// Whom it gives; `None`: any permission that one wants.
    pub to: Option<Stop>,
}

/// An identity on the way: without what all of them have in common, and as a whole.
pub(crate) struct Stop {
    pub name: String,
    pub arn: String,
}

/// A whole way.
pub(crate) struct Way {
    pub from: Stop,
    pub legs: Vec<Leg>,
}

/// Whether a piece of evidence is told by the picture.
pub(crate) fn is_told(key: &str) -> bool {
    KEYS.iter().any(|begin| key.starts_with(begin))
}

/// The way that evidence tells of, if it does.
pub(crate) fn of(ui: &Ui, library: &Library, evidence: &Value) -> Option<Way> {
    let step = |i: usize| evidence.get(format!("derived.escalation_step[{i}]"));
    let steps: Vec<&Value> = (0..MOST).map_while(step).collect();
    let from = stop(steps.first()?["from"].as_str()?);
    let legs = steps.into_iter().map(|step| leg(ui, library, step)).collect();
    Some(Way { from, legs })
}

fn leg(ui: &Ui, library: &Library, step: &Value) -> Leg {
    let text = |value: &Value| {
        let value = if value.is_object() { &value[ui.tag()] } else { value };
        value.as_str().map(|text| short(text, LENGTH))
    };
    let because = step["because"].as_array().into_iter().flatten();
    let method = text(&step["method"]).unwrap_or_default();
    let body = library.get(Kind::Escalation, &method).map(|known| markdown::render(known.body.get(ui.lang)));
    Leg {
        title: text(&step["title"]).unwrap_or_default(),
        method,
        body,
        because: because.filter_map(text).take(MOST).collect(),
        assumes: text(&step["assumes"]),
        to: step["to"].as_str().map(stop),
    }
}

fn stop(arn: &str) -> Stop {
    let name = Arn::parse(arn).map_or(arn, |arn| arn.resource);
    Stop { name: short(name, LENGTH), arn: short(arn, LENGTH) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_make_a_way_and_odd_evidence_none() {
        let ui = Ui::plain();
        let step = json!({"from": "arn:aws:iam::111122223333:user/dev", "method": "lambda-001", "to": "arn:aws:iam::111122223333:role/batch",
            "title": {"en": "Run code", "ja": "コードの実行"}, "because": ["iam:PassRole (work/1)"], "assumes": null});
        let last = json!({"from": "arn:aws:iam::111122223333:role/batch", "method": "iam-001", "to": null, "title": {"en": "Write", "ja": "書く"}});
        let library = Library::builtin().expect("sound content");
        let way = of(&ui, &library, &json!({"derived.escalation_step[0]": step, "derived.escalation_step[1]": last}))
            .expect("a way");
        assert_eq!((way.from.name.as_str(), way.legs.len()), ("user/dev", 2));
        assert_eq!((way.legs[0].title.as_str(), way.legs[0].because.len()), ("Run code", 1));
        assert_eq!(way.legs[0].to.as_ref().map(|to| to.name.as_str()), Some("role/batch"));
        assert!(way.legs[1].to.is_none() && way.legs[0].body.as_ref().is_some_and(|body| body.contains("<p>")));
        for odd in [
            json!(null),
            json!({}),
            json!({"derived.escalation_step[0]": "x"}),
            json!({"derived.escalation_step[0]": {"from": 3}}),
        ] {
            assert!(of(&ui, &library, &odd).is_none(), "{odd}");
        }
    }
}
