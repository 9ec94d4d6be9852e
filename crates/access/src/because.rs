//! The sentence that says why, in both languages.

use crate::evaluate::{Decision, Layer, Reason};
use yagura_model::Text;

/// Why a request ends as it does.
pub fn because(decision: &Decision, resource: Option<&str>) -> Text {
    let text = sentence(decision);
    match resource {
        None => text,
        Some(resource) => Text::new(
            format!("For `{resource}`, which the pattern covers: {}", text.en),
            format!("パターンに含まれる `{resource}` について: {}", text.ja),
        ),
    }
}

/// Why an answer hangs on what is not known.
pub fn hangs(allowed: &Decision, denied: &Decision, keys: &[String]) -> Text {
    let keys = keys.iter().map(|key| format!("`{key}`"));
    let (en, ja) = (keys.clone().collect::<Vec<_>>().join(", "), keys.collect::<Vec<_>>().join("、"));
    let (yes, no) = (sentence(allowed), sentence(denied));
    Text::new(
        format!("It hangs on {en}. With the witness: {} With other values: {}", yes.en, no.en),
        format!("{ja} の値によって変わります。witness の値では: {}ほかの値では: {}", yes.ja, no.ja),
    )
}

fn sentence(decision: &Decision) -> Text {
    let (en, ja) = names(decision.layer);
    let statement = decision.statement.as_deref().unwrap_or_default();
    match &decision.reason {
        Reason::NeedsNothing => Text::new(
            "sts:GetCallerIdentity needs no permission and can't be denied.",
            "sts:GetCallerIdentity は権限なしで呼び出せ、拒否することもできません。",
        ),
        Reason::Root => Text::new(
            "The root user has full access to its own account, and nothing denies this.",
            "ルートユーザーは自分のアカウントに対するすべての権限を持ち、これを拒否するものはありません。",
        ),
        Reason::Granted => Text::new(
            format!("Statement `{statement}` of {en} allows it, and nothing denies it."),
            format!("{ja}のステートメント `{statement}` が許可しており、拒否するものはありません。"),
        ),
        Reason::GrantedWith(other) => Text::new(
            format!("Statement `{statement}` of {en} and `{other}` of the resource's policy allow it together."),
            format!("{ja}のステートメント `{statement}` とリソースのポリシーの `{other}` がともに許可しています。"),
        ),
        Reason::Denied => Text::new(
            format!("Statement `{statement}` of {en} denies it."),
            format!("{ja}のステートメント `{statement}` が拒否しています。"),
        ),
        Reason::LevelSilent(level) => Text::new(
            format!("No service control policy at `{level}` allows it; every level must."),
            format!("`{level}` のサービスコントロールポリシーに許可がありません（すべての階層での許可が必要です）。"),
        ),
        Reason::Silent => Text::new(
            format!("No statement of {en} allows it, and without that it is denied."),
            format!("{ja}に許可するステートメントがないため、拒否されます。"),
        ),
        Reason::Delegated(other) => Text::new(
            format!(
                "Statement `{other}` of the resource's policy leaves it to the identity's policies, none of which allows it."
            ),
            format!(
                "リソースのポリシーの `{other}` はアイデンティティポリシーに判断を委ねていますが、許可するものがありません。"
            ),
        ),
        Reason::NoGrant => Text::new("No policy allows it.", "許可するポリシーがありません。"),
        Reason::OtherPartition => Text::new(
            "Principal and resource are in different partitions, which nothing can bridge.",
            "プリンシパルとリソースのパーティションが異なるため、アクセスできません。",
        ),
    }
}

fn names(layer: Layer) -> (&'static str, &'static str) {
    match layer {
        Layer::Scp => ("the service control policies", "サービスコントロールポリシー"),
        Layer::Rcp => ("the resource control policies", "リソースコントロールポリシー"),
        Layer::Resource => ("the resource's policy", "リソースのポリシー"),
        Layer::Identity => ("the identity's policies", "アイデンティティポリシー"),
        Layer::Boundary => ("the permissions boundary", "アクセス許可の境界"),
        Layer::Session => ("the session policy", "セッションポリシー"),
        Layer::Endpoint => ("the VPC endpoint's policy", "VPC エンドポイントのポリシー"),
        Layer::None => ("the policies", "ポリシー"),
    }
}

/// Why an answer is the same for all completions.
pub fn whatever(decision: &Decision) -> Text {
    let text = sentence(decision);
    Text::new(
        format!("Whatever the unknown keys hold: {}", text.en),
        format!("未知のキーがどの値でも同じです。{}", text.ja),
    )
}
