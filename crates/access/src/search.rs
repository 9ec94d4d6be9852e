//! Chooses a request's parts so that some statements match and others don't.
//!
//! A statement matches if it does so on every axis: principal, action, resource, each key. The axes don't depend on
//! each other, so a request is one point from each, and a statement that must not match has to fail on one of them.
//! The search goes by the statement that the fewest points make fail, and keeps of points only those that no other
//! point beats; policies leave few.

use crate::bits::Bits;

/// A part of the request, with every value that makes a difference.
#[derive(Clone, Debug)]
pub struct Axis<T> {
    pub points: Vec<(T, Bits)>,
}

impl<T> Axis<T> {
    pub fn new() -> Axis<T> {
        Axis { points: Vec::new() }
    }

    /// Adds a point, unless another lets the same statements match.
    pub fn add(&mut self, choice: T, holds: Bits) {
        if self.points.iter().all(|(_, h)| *h != holds) {
            self.points.push((choice, holds));
        }
    }
}

/// Steps ran out.
#[derive(Debug, PartialEq, Eq)]
pub struct Exhausted;

/// What is left to try on an axis: places of points, each with the statements that it makes fail.
type Options = Vec<(usize, Bits)>;

/// The place of a point on each axis such that all of `must` match and none of `must_not`, if there are such.
pub fn find<T>(
    axes: &[&Axis<T>],
    must: &Bits,
    must_not: &Bits,
    left: &mut usize,
) -> Result<Option<Vec<usize>>, Exhausted> {
    let mut options: Vec<Options> = Vec::new();
    let mut first = Vec::new();
    for axis in axes {
        let fit = || axis.points.iter().enumerate().filter(|(_, (_, holds))| holds.holds(must));
        let Some((place, _)) = fit().next() else { return Ok(None) };
        first.push(place);
        let mut best: Options = Vec::new();
        for (i, (_, holds)) in fit() {
            let mut fails = must_not.clone();
            fails.minus(holds);
            *left = left.checked_sub(1 + best.len()).ok_or(Exhausted)?;
            if best.iter().any(|(_, other)| other.holds(&fails)) {
                continue;
            }
            best.retain(|(_, other)| !fails.holds(other));
            best.push((i, fails));
        }
        options.push(best);
    }
    let mut search = Search { options, chosen: vec![None; axes.len()], left };
    let found = search.go(must_not)?;
    let chosen = search.chosen.iter().zip(first).map(|(chosen, first)| chosen.unwrap_or(first)).collect();
    Ok(found.then_some(chosen))
}

struct Search<'a> {
    options: Vec<Options>,
    chosen: Vec<Option<usize>>,
    left: &'a mut usize,
}

impl Search<'_> {
    /// Makes every statement of `rest` fail.
    fn go(&mut self, rest: &Bits) -> Result<bool, Exhausted> {
        let Some(hardest) = self.hardest(rest)? else { return Ok(true) };
        let mut tried: Vec<(usize, (usize, Bits))> = Vec::new();
        let mut found = false;
        for axis in 0..self.options.len() {
            while self.chosen[axis].is_none() && !found {
                let Some(at) = self.options[axis].iter().position(|(_, fails)| fails.get(hardest)) else { break };
                // What has been tried here need not be tried again further down: it would have been found.
                let (point, fails) = self.options[axis].remove(at);
                let mut fewer = rest.clone();
                fewer.minus(&fails);
                tried.push((axis, (point, fails)));
                self.chosen[axis] = Some(point);
                found = self.go(&fewer)?;
                if !found {
                    self.chosen[axis] = None;
                }
            }
        }
        tried.into_iter().for_each(|(axis, option)| self.options[axis].push(option));
        Ok(found)
    }

    /// The statement that the fewest options make fail; `None` if there is none left.
    fn hardest(&mut self, rest: &Bits) -> Result<Option<usize>, Exhausted> {
        let mut hardest: Option<(usize, usize)> = None;
        for statement in rest.ones() {
            let mut count = 0;
            for (options, _) in self.options.iter().zip(&self.chosen).filter(|(_, chosen)| chosen.is_none()) {
                *self.left = self.left.checked_sub(1 + options.len()).ok_or(Exhausted)?;
                count += options.iter().filter(|(_, fails)| fails.get(statement)).count();
            }
            if hardest.is_none_or(|(_, least)| count < least) {
                hardest = Some((statement, count));
            }
            if count == 0 {
                break;
            }
        }
        Ok(hardest.map(|(statement, _)| statement))
    }
}
