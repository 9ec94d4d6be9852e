//! What the company has: accounts, places and the things in them. Configuration and log both refer to it, so that an
//! event's bucket is a bucket of the snapshot.

use super::people::SYSTEMS;
use crate::random::Random;
use std::collections::BTreeMap;

pub(crate) struct Account {
    pub id: &'static str,
    pub env: &'static str,
}

pub(crate) const PROD: Account = Account { id: "111122223333", env: "prod" };
pub(crate) const DEV: Account = Account { id: "444455556666", env: "dev" };
pub(crate) const SECURITY: Account = Account { id: "777788889999", env: "security" };
pub(crate) const ACCOUNTS: [&Account; 3] = [&PROD, &DEV, &SECURITY];
pub(crate) const TOKYO: &str = "ap-northeast-1";
pub(crate) const VIRGINIA: &str = "us-east-1";

/// How a thing falls short, over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    None,
    Always,
    /// Until last week.
    Fixed,
    /// Since this week.
    New,
}

/// One thing of a place.
pub(crate) struct Asset {
    pub id: String,
    pub name: String,
    pub team: &'static str,
    pub owner: &'static str,
    pub weakness: Weakness,
    /// Came after the first snapshot.
    pub new: bool,
    /// The place in its pool: spreads subnets, addresses and the like.
    pub n: usize,
}

impl Asset {
    /// Whether it falls short in the older (`first`) or in the newer snapshot.
    pub fn weak(&self, first: bool) -> bool {
        match self.weakness {
            Weakness::None => false,
            Weakness::Always => true,
            Weakness::Fixed => first,
            Weakness::New => !first,
        }
    }
}

/// One account in one Region.
pub(crate) struct Place {
    pub account: &'static Account,
    pub region: &'static str,
    pools: BTreeMap<&'static str, Vec<Asset>>,
}

impl Place {
    pub fn all(&self, kind: &str) -> &[Asset] {
        self.pools.get(kind).map_or(&[], Vec::as_slice)
    }

    /// `n`-th of a kind, round and round; `None` when the place has none.
    pub fn nth(&self, kind: &str, n: usize) -> Option<&Asset> {
        let all = self.all(kind);
        all.get(n % all.len().max(1))
    }

    pub fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.region, self.account.id)
    }
}

pub(crate) struct World {
    pub places: Vec<Place>,
    pub seed: u64,
}

/// Kinds, with how many the largest place has at scale 1 and the parts their names are made of.
const KINDS: &[(&str, f64, &[&str])] = &[
    ("vpc", 2.0, &["main", "batch"]),
    ("subnet", 8.0, &["public", "private", "db", "batch"]),
    ("acl", 2.0, &["main", "batch"]),
    ("group", 18.0, &["alb", "app", "db", "batch", "lambda"]),
    ("instance", 22.0, &["web", "api", "batch", "worker"]),
    ("volume", 30.0, &["root", "data"]),
    ("bucket", 22.0, &["assets", "logs", "export", "backup", "import"]),
    ("function", 28.0, &["order-created", "sync", "report", "notify", "resize", "webhook"]),
    ("database", 5.0, &["main", "replica", "report"]),
    ("key", 7.0, &["data", "secrets", "backup"]),
    ("topic", 9.0, &["events", "alerts"]),
    ("queue", 16.0, &["orders", "orders-dlq", "mail", "mail-dlq"]),
    ("secret", 12.0, &["db-password", "payment-api", "mail-api", "webhook"]),
    ("role", 26.0, &["app", "batch", "lambda", "deploy"]),
    ("policy", 8.0, &["read", "write"]),
];

impl World {
    pub fn new(seed: u64, scale: f64) -> Self {
        let mut places = Vec::new();
        for (account, tokyo, virginia, weak) in
            [(&PROD, 1.0, 0.25, 0.05), (&DEV, 0.6, 0.12, 0.16), (&SECURITY, 0.25, 0.1, 0.02)]
        {
            for (region, size) in [(TOKYO, tokyo), (VIRGINIA, virginia)] {
                places.push(place(seed, account, region, size * scale.max(0.1), weak));
            }
        }
        let mut world = Self { places, seed };
        super::flaws::place(&mut world);
        world
    }

    /// Index of a place; the first one for a place that doesn't exist.
    pub fn index(&self, account: &str, region: &str) -> usize {
        self.places.iter().position(|p| p.account.id == account && p.region == region).unwrap_or(0)
    }

    pub fn place(&self, account: &str, region: &str) -> &Place {
        &self.places[self.index(account, region)]
    }

    /// The thing of this name, made if the place has none.
    pub fn named(&mut self, account: &str, kind: &'static str, name: &str) -> &mut Asset {
        let index = self.index(account, TOKYO);
        let (seed, place) = (self.seed, &mut self.places[index]);
        let pool = place.pools.entry(kind).or_default();
        let found = pool.iter().position(|a| a.name == name).unwrap_or_else(|| {
            let n = pool.len();
            let mut random = Random::of(seed, &["named", account, kind, name]);
            let mut asset = asset(&mut random, place.account, place.region, kind, name.to_owned(), n);
            asset.weakness = Weakness::None;
            pool.push(asset);
            n
        });
        &mut pool[found]
    }
}

fn place(seed: u64, account: &'static Account, region: &'static str, size: f64, weak: f64) -> Place {
    let mut random = Random::of(seed, &["place", account.id, region]);
    let mut pools = BTreeMap::new();
    for &(kind, base, parts) in KINDS {
        // IAM is global: its things belong to the home Region.
        if matches!(kind, "role" | "policy") && region != TOKYO {
            continue;
        }
        let count = (base * size).ceil() as usize;
        let pool = (0..count).map(|n| {
            let system = &SYSTEMS[(n / parts.len()) % SYSTEMS.len()];
            let part = parts[n % parts.len()];
            let round = n / (parts.len() * SYSTEMS.len());
            let suffix = if round == 0 { String::new() } else { format!("-{}", round + 1) };
            // Bucket names are unique in the world, the others in their place.
            let area = if kind == "bucket" && region != TOKYO { "-use1" } else { "" };
            let name = format!("minato-{}{area}-{}-{part}{suffix}", account.env, system.name);
            let mut made = asset(&mut random, account, region, kind, name, n);
            made.team = system.team;
            made.owner = system.owner;
            if random.chance(weak) {
                made.weakness = *random.pick(&[Weakness::Always, Weakness::Always, Weakness::Fixed, Weakness::New]);
            }
            made.new = n > 2 && random.chance(0.02);
            made
        });
        pools.insert(kind, pool.collect());
    }
    Place { account, region, pools }
}

fn asset(random: &mut Random, account: &Account, region: &str, kind: &str, name: String, n: usize) -> Asset {
    let id = match kind {
        "vpc" => format!("vpc-0{}", random.hex(16)),
        "subnet" => format!("subnet-0{}", random.hex(16)),
        "acl" => format!("acl-0{}", random.hex(16)),
        "group" => format!("sg-0{}", random.hex(16)),
        "instance" => format!("i-0{}", random.hex(16)),
        "volume" => format!("vol-0{}", random.hex(16)),
        "key" => random.uuid(),
        "role" => format!("AROA{}", random.upper(17)),
        "policy" => format!("ANPA{}", random.upper(17)),
        "database" => format!("db-{}", random.upper(26)),
        "secret" => format!("arn:aws:secretsmanager:{region}:{}:secret:{name}-{}", account.id, random.mixed(6)),
        _ => name.clone(),
    };
    let kiban = &SYSTEMS[SYSTEMS.len() - 1];
    Asset { id, name, team: kiban.team, owner: kiban.owner, weakness: Weakness::None, new: false, n }
}
