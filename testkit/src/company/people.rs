//! Who works at the company, and on what.

/// What somebody's day consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Platform,
    Backend,
    Data,
    Security,
    Support,
}

pub(crate) struct Person {
    pub login: &'static str,
    pub job: Job,
    /// Last part of the home address; the office shares one.
    pub home: u8,
    /// Still has an IAM user in dev, from before Identity Center.
    pub legacy_user: bool,
}

const fn person(login: &'static str, job: Job, home: u8, legacy_user: bool) -> Person {
    Person { login, job, home, legacy_user }
}

pub(crate) const PEOPLE: &[Person] = &[
    person("sato.kenichi", Job::Platform, 101, false),
    person("suzuki.misaki", Job::Backend, 102, false),
    person("takahashi.sho", Job::Backend, 103, true),
    person("tanaka.yumi", Job::Data, 104, false),
    person("ito.daisuke", Job::Platform, 105, true),
    person("watanabe.naoki", Job::Security, 106, false),
    person("yamamoto.aya", Job::Backend, 107, false),
    person("nakamura.takuya", Job::Backend, 108, false),
    person("kobayashi.megumi", Job::Support, 109, false),
    person("kato.ryo", Job::Data, 110, true),
    person("yoshida.mayu", Job::Support, 111, false),
    person("yamada.ichiro", Job::Security, 112, false),
];

/// A system of the company: its short name in resource names, the team that owns it, and whom to ask.
pub(crate) struct System {
    pub name: &'static str,
    pub team: &'static str,
    pub owner: &'static str,
}

const fn system(name: &'static str, team: &'static str, owner: &'static str) -> System {
    System { name, team, owner }
}

pub(crate) const SYSTEMS: &[System] = &[
    system("ec", "通販サイトチーム", "suzuki.misaki"),
    system("juchu", "受注チーム", "takahashi.sho"),
    system("zaiko", "在庫管理チーム", "nakamura.takuya"),
    system("haiso", "配送チーム", "yamamoto.aya"),
    system("kaiin", "会員基盤チーム", "suzuki.misaki"),
    system("keiri", "経理システムチーム", "yoshida.mayu"),
    system("bunseki", "データ分析チーム", "tanaka.yumi"),
    system("kiban", "クラウド基盤チーム", "sato.kenichi"),
];
