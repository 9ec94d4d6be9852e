//! Agglomerative clustering by average linkage (UPGMA) along chains of nearest neighbours, which takes time and memory
//! of the square of the number of things (Müllner, "Modern hierarchical, agglomerative clustering algorithms", 2011).

/// Distances between things, without those of a thing to itself.
struct Distances {
    count: usize,
    of: Vec<f32>,
}

impl Distances {
    fn place(&self, a: usize, b: usize) -> usize {
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        low * self.count - low * (low + 1) / 2 + high - low - 1
    }

    fn get(&self, a: usize, b: usize) -> f32 {
        self.of[self.place(a, b)]
    }
}

/// Clusters of things no farther apart, on average, than `threshold`; each in order, and the clusters by their first.
/// `weights` are how often each thing is there. Nothing but the input decides.
pub fn clusters(weights: &[usize], threshold: f32, distance: impl Fn(usize, usize) -> f32) -> Vec<Vec<usize>> {
    let count = weights.len();
    let mut distances = Distances { count, of: Vec::with_capacity(count * count.saturating_sub(1) / 2) };
    for a in 0..count {
        distances.of.extend((a + 1..count).map(|b| distance(a, b)));
    }
    let mut weights: Vec<f32> = weights.iter().map(|weight| *weight as f32).collect();
    let mut members: Vec<Vec<usize>> = (0..count).map(|at| vec![at]).collect();
    // Clusters that may still merge; those whose nearest is too far are done.
    let mut open: Vec<usize> = (0..count).collect();
    let mut done: Vec<Vec<usize>> = Vec::new();
    let mut chain: Vec<usize> = Vec::new();
    while let Some(first) = open.first() {
        let last = *chain.last().unwrap_or(first);
        if chain.is_empty() {
            chain.push(last);
        }
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        // Of equally near ones the one before in the chain, so that chains end, then the first.
        let others = open.iter().copied().filter(|other| *other != last);
        let near = others.map(|other| (distances.get(last, other), Some(other) != before, other));
        let near = near.min_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        match near {
            Some((far, is_new, other)) if far <= threshold => {
                if is_new {
                    chain.push(other);
                    continue;
                }
                chain.truncate(chain.len() - 2);
                let (keep, gone) = (last.min(other), last.max(other));
                open.retain(|at| *at != gone);
                // Rounding could have led the chain over one of them twice.
                if let Some(at) = chain.iter().position(|at| *at == keep || *at == gone) {
                    chain.truncate(at);
                }
                let (left, right) = (weights[keep], weights[gone]);
                for at in open.iter().copied().filter(|at| *at != keep) {
                    let mean = (left * distances.get(keep, at) + right * distances.get(gone, at)) / (left + right);
                    let place = distances.place(keep, at);
                    distances.of[place] = mean;
                }
                weights[keep] += weights[gone];
                let moved = std::mem::take(&mut members[gone]);
                members[keep].extend(moved);
            }
            // Merging others brings nothing nearer than its nearest.
            _ => {
                chain.pop();
                open.retain(|at| *at != last);
                done.push(std::mem::take(&mut members[last]));
            }
        }
    }
    done.iter_mut().for_each(|cluster| cluster.sort_unstable());
    done.sort_unstable();
    done
}
