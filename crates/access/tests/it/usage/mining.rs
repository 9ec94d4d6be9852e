//! Groups are found where they are, and proposals are what they say.

use crate::laws::Dice;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use yagura_access::usage::{MiningOptions, Proposal, propose};

type Uses = BTreeMap<String, BTreeSet<String>>;

fn uses(of: &[(&str, &[&str])]) -> Uses {
    let set = |actions: &[&str]| actions.iter().map(|action| (*action).to_owned()).collect();
    of.iter().map(|(principal, actions)| ((*principal).to_owned(), set(actions))).collect()
}

fn members(proposal: &Proposal) -> Vec<&str> {
    proposal.members.iter().map(|member| member.principal.as_str()).collect()
}

#[test]
fn those_who_do_the_same_make_a_group() {
    let dev = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "ec2:DescribeInstances"];
    let used = uses(&[
        ("dev1", &dev),
        ("dev2", &dev[..3]),
        ("dev3", &dev[1..]),
        ("ops1", &["iam:ListUsers", "iam:GetUser"]),
        ("ops2", &["iam:ListUsers", "iam:GetUser"]),
        ("alone", &["kms:Decrypt"]),
        ("idle", &[]),
    ]);
    let found = propose(&used, &[], &MiningOptions::default());
    assert_eq!(found.iter().map(members).collect::<Vec<_>>(), [vec!["dev1", "dev2", "dev3"], vec!["ops1", "ops2"]]);
    assert_eq!(found[0].actions.len(), 4);
    assert_eq!(found[0].members.iter().map(|m| (m.used, m.over)).collect::<Vec<_>>(), [(4, 0), (3, 1), (3, 1)]);
    assert_eq!((found[0].over, found[1].over), (2, 0));
    // Two of the three share three actions, the others two or three.
    assert!((found[0].value - 8.0 / 3.0).abs() < 1e-9, "{}", found[0].value);
    assert!((found[1].value - 2.0).abs() < 1e-9);
}

#[test]
fn a_managed_policy_is_preferred_within_its_slack() {
    let allow = |actions: &[&str], resource: &str| json!({"Statement": {"Effect": "Allow", "Action": actions, "Resource": resource}});
    let used = uses(&[("a", &["sqs:SendMessage", "sqs:ListQueues"]), ("b", &["sqs:SendMessage", "sqs:ListQueues"])]);
    let managed = [
        ("Everything".to_owned(), allow(&["*"], "*")),
        ("Queues".to_owned(), allow(&["sqs:SendMessage", "sqs:ListQueues", "sqs:CreateQueue"], "*")),
        ("TooLittle".to_owned(), allow(&["sqs:SendMessage"], "*")),
        ("Elsewhere".to_owned(), allow(&["sqs:SendMessage", "sqs:ListQueues"], "arn:aws:sqs:*:*:x")),
        ("Broken".to_owned(), json!(3)),
    ];
    let of = |slack: f64| {
        let options = MiningOptions { managed_slack: slack, ..MiningOptions::default() };
        let found = propose(&used, &managed, &options);
        let covering = found[0].managed.clone().expect("a policy");
        (covering.name, covering.over, covering.preferred)
    };
    assert_eq!(of(0.5), ("Queues".to_owned(), 1, true));
    assert_eq!(of(0.4), ("Queues".to_owned(), 1, false));
    assert!(propose(&used, &managed[2..], &MiningOptions::default())[0].managed.is_none());
}

/// Principals of `jobs` jobs, each with 30 actions of which a principal uses most, and some of its own.
fn company(principals: usize, jobs: usize, dice: &mut Dice) -> Uses {
    let mut used = Uses::new();
    for i in 0..principals {
        let job = i % jobs;
        let mut actions: BTreeSet<String> =
            (0..30).filter(|_| dice.below(10) > 0).map(|a| format!("s{job}:a{a}")).collect();
        actions.extend((0..2).map(|_| format!("common:a{}", dice.below(300))));
        used.insert(format!("p{i:05}"), actions);
    }
    used
}

#[test]
fn hidden_jobs_are_found_whatever_the_order() {
    let used = company(200, 7, &mut Dice::new(3));
    let found = propose(&used, &[], &MiningOptions::default());
    assert_eq!(found.len(), 7);
    for proposal in &found {
        let jobs: BTreeSet<usize> =
            members(proposal).iter().map(|p| p[1..].parse::<usize>().expect("a number") % 7).collect();
        assert_eq!(jobs.len(), 1);
        // The group gives to each member just what others used.
        for member in &proposal.members {
            assert!(used[&member.principal].is_subset(&proposal.actions));
            assert_eq!(member.over, proposal.actions.len() - used[&member.principal].len());
        }
        assert_eq!(proposal.over, proposal.members.iter().map(|m| m.over).sum::<usize>());
    }
    let weights: Vec<f64> = found.iter().map(|p| p.members.len() as f64 * p.value).collect();
    assert!(weights.is_sorted_by(|a, b| a >= b));
    assert_eq!(found, propose(&used, &[], &MiningOptions::default()));
}

/// No two clusters that stay apart are nearer than the threshold, and members of one are near: by the definition.
#[test]
fn groups_are_those_of_average_linkage() {
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let used = (0..25)
            .map(|i| (format!("p{i:02}"), (0..8).filter(|_| dice.below(2) == 0).map(|a| format!("x:a{a}")).collect()))
            .filter(|(_, actions): &(String, BTreeSet<String>)| !actions.is_empty())
            .collect::<Uses>();
        let options = MiningOptions { threshold: 0.4, ..MiningOptions::default() };
        let mut groups: Vec<Vec<&str>> = propose(&used, &[], &options)
            .iter()
            .map(|p| {
                let names: Vec<String> = members(p).iter().map(|m| (*m).to_owned()).collect();
                used.keys().map(String::as_str).filter(|k| names.iter().any(|n| n == k)).collect()
            })
            .collect();
        let grouped: BTreeSet<&str> = groups.iter().flatten().copied().collect();
        groups.extend(used.keys().map(String::as_str).filter(|k| !grouped.contains(k)).map(|k| vec![k]));
        let jaccard = |a: &str, b: &str| {
            let (both, either) = (used[a].intersection(&used[b]).count(), used[a].union(&used[b]).count());
            1.0 - both as f64 / either as f64
        };
        for (i, a) in groups.iter().enumerate() {
            for b in &groups[i + 1..] {
                let pairs: Vec<f64> = a.iter().flat_map(|x| b.iter().map(|y| jaccard(x, y))).collect();
                let mean = pairs.iter().sum::<f64>() / pairs.len() as f64;
                assert!(mean > 0.4 - 1e-4, "seed {seed}: {a:?} {b:?} are {mean} apart");
            }
        }
    }
}

#[test]
fn a_large_company_takes_seconds() {
    let used = company(2000, 60, &mut Dice::new(9));
    let began = Instant::now();
    let found = propose(&used, &[], &MiningOptions::default());
    assert_eq!(found.len(), 60);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn odd_options_end() {
    let used = company(60, 3, &mut Dice::new(1));
    for threshold in [f64::NAN, -1.0, 0.0, 1.0, 5.0, f64::INFINITY] {
        let options = MiningOptions { threshold, members: 0, managed_slack: f64::NAN };
        _ = propose(&used, &[], &options);
    }
    assert!(propose(&Uses::new(), &[], &MiningOptions::default()).is_empty());
}
