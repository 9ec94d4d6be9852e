use crate::{hub, judged, run};
use yagura_content::Library;
use yagura_hub::{Catalog, Filter, Page};
use yagura_model::Verdict::{self, Fail, Pass, Unknown};

const T: [&str; 3] = ["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"];

/// So many controls, `C.0` onwards.
fn catalog(controls: usize) -> Catalog {
    let files: Vec<(String, String)> = (0..controls)
        .map(|i| {
            let stage = ["minimum", "standard", "hardened"][i % 3];
            let head = format!("+++\nid = \"C.{i}\"\nseverity = \"high\"\nresource = \"AWS::S3::Bucket\"\nstage = \"{stage}\"\n+++\n");
            let text = "## en: Title\nWhy.\n\n## ja: 題名\n理由。\n\n```cel\nresource.A == true\n```\n```pass\n{\"A\": true}\n```\n```fail\n{}\n```\n";
            (format!("controls/c/C.{i}.md"), head + text)
        })
        .collect();
    let mut library = Library::default();
    let errors = library.add(files.iter().map(|(f, t)| (f.as_str(), t.as_str())), false);
    assert!(errors.is_empty(), "{errors:?}");
    Catalog::of(&library)
}

/// One bucket's verdicts on `C.0` onwards.
fn verdicts(counts: &[(Verdict, usize)]) -> Vec<yagura_model::Judgement> {
    let all = counts.iter().flat_map(|(verdict, n)| std::iter::repeat_n(*verdict, *n));
    all.enumerate().map(|(i, verdict)| judged(&format!("C.{i}"), "b", verdict)).collect()
}

#[tokio::test]
async fn the_user_guides_example_is_88_percent() {
    let (_folder, hub) = hub().await;
    let catalog = catalog(200);
    run(&hub, T[0], &verdicts(&[(Pass, 168), (Fail, 22)])).await;
    let standing = hub.standing(&catalog).await.expect("a standing");
    let score = &standing.score;
    assert_eq!((score.passed, score.failed, score.unknown, score.no_data), (168, 22, 0, 10));
    assert_eq!(score.percent(), Some(88));
    assert_eq!(standing.stages.iter().map(yagura_hub::Coverage::total).sum::<usize>(), 200);
    assert_eq!(standing.last_run.as_deref(), Some(T[0]));
}

#[tokio::test]
async fn what_is_unknown_lowers_the_score_and_is_told() {
    let (_folder, hub) = hub().await;
    let catalog = catalog(4);
    run(&hub, T[0], &verdicts(&[(Pass, 2), (Unknown, 2)])).await;
    let standing = hub.standing(&catalog).await.expect("a standing");
    assert_eq!(standing.score.percent(), Some(50));
    assert_eq!(standing.blind.iter().map(|b| (b.verdicts, b.controls)).collect::<Vec<_>>(), [(2, 2)]);
}

#[tokio::test]
async fn a_suppressed_failure_does_not_count_and_counts_again_when_it_expires() {
    let (_folder, hub) = hub().await;
    let catalog = catalog(2);
    run(&hub, T[0], &[judged("C.0", "a", Pass), judged("C.0", "b", Fail), judged("C.1", "a", Fail)]).await;
    let percent = async || hub.standing(&catalog).await.expect("a standing").score.percent();
    assert_eq!(percent().await, Some(0));
    let filter = Filter { rule: Some("C.0".to_owned()), ..Filter::open() };
    let found = hub.findings(&filter, Page { limit: 9, offset: 0 }).await.expect("findings");
    hub.suppress(&found[0].id, "accepted", T[2], T[1]).await.expect("suppressed");
    assert_eq!(percent().await, Some(50), "C.0 passes, for what is left of it passes");
    hub.expire_suppressions(T[2]).await.expect("expired");
    assert_eq!(percent().await, Some(0));
}

#[tokio::test]
async fn the_score_keeps_its_history() {
    let (_folder, hub) = hub().await;
    let catalog = catalog(2);
    run(&hub, T[0], &verdicts(&[(Fail, 2)])).await;
    hub.remember_score(&catalog, T[0]).await.expect("kept");
    run(&hub, T[1], &verdicts(&[(Pass, 1), (Fail, 1)])).await;
    hub.remember_score(&catalog, T[1]).await.expect("kept");
    let history = hub.standing(&catalog).await.expect("a standing").history;
    assert_eq!(history, [(T[0].to_owned(), Some(0)), (T[1].to_owned(), Some(50))]);
}
