//! Privilege escalation: by which steps a principal comes to be an administrator.
//!
//! A method is an edge from who has its needs to what it gives. From the administrators backwards, every principal that
//! has an edge to one already reached is reached, one step further away: so each path is a shortest one, and every need
//! on it is an answer of the evaluator.

mod closure;
mod cut;
mod edge;
mod entry;
mod method;

pub use closure::Closure;
pub use cut::Cut;
pub use entry::Entry;
pub use method::{Category, From, Gives, Method, Need, Target, methods};

use yagura_model::Text;

/// A step of a path.
#[derive(Clone, Debug)]
pub struct Step {
    pub method: String,
    pub title: Text,
    /// Who takes it.
    pub from: String,
    /// Whose permissions it gives; `None`: any that it wants.
    pub to: Option<String>,
    /// What each need rests on.
    pub grounds: Vec<Ground>,
    /// What must hold beside, and no policy tells.
    pub assumes: Option<Text>,
}

/// A need that is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Of what an instance gives away the request for it.
    pub action: String,
    pub resource: String,
    /// The statement that allows it; of an instance its security group.
    pub statement: Option<String>,
    /// Keys that it hangs on; empty: on none.
    pub conditions: Vec<String>,
    /// Policies that could not be read and would have to allow it; empty: it is allowed.
    pub unread: Vec<String>,
}

/// How a principal becomes an administrator.
#[derive(Clone, Debug)]
pub struct Path {
    pub principal: String,
    /// Empty: it is one.
    pub steps: Vec<Step>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Escalation {
    /// By the number of steps, then by principal. Administrators are among them, without steps.
    pub paths: Vec<Path>,
}
