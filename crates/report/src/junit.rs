use crate::{Context, Record, escape};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};
use yagura_model::Verdict;

/// One test suite a control, one test case a resource: PASS passes, FAIL fails, everything else is skipped.
pub(crate) fn write<R: Record>(records: &[R], context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: BTreeMap<(String, String), Vec<&R>> = BTreeMap::new();
    for record in records {
        let (id, title, _) = record.group(context.lang);
        suites.entry((id, title)).or_default().push(record);
    }
    writeln!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"yagura\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
        records.len(),
        records.iter().filter(|r| failed(*r)).count(),
        records.iter().filter(|r| skipped(*r)).count(),
    )?;
    for ((id, title), cases) in &suites {
        let failures = cases.iter().filter(|r| failed(**r)).count();
        let skipped = cases.iter().filter(|r| skipped(**r)).count();
        let (id, title) = (escape::html(id), escape::html(title));
        writeln!(
            out,
            "<testsuite name=\"{id} {title}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\">",
            cases.len()
        )?;
        for record in cases {
            let [place, _, _, why] = record.place(context.lang).map(|t| escape::html(&t));
            write!(out, "<testcase classname=\"{id}\" name=\"{place}\"")?;
            if let Some((file, line, _)) = record.location() {
                write!(out, " file=\"{}\"", escape::html(file))?;
                line.map_or(Ok(()), |line| write!(out, " line=\"{line}\""))?;
            }
            match record.verdict() {
                Some(Verdict::Pass) => writeln!(out, "/>")?,
                Some(Verdict::Unknown | Verdict::NotApplicable) => {
                    writeln!(out, "><skipped message=\"{why}\"/></testcase>")?;
                }
                Some(Verdict::Fail) | None => writeln!(out, "><failure message=\"{why}\"/></testcase>")?,
            }
        }
        writeln!(out, "</testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn skipped<R: Record>(record: &R) -> bool {
    matches!(record.verdict(), Some(Verdict::Unknown | Verdict::NotApplicable))
}

fn failed<R: Record>(record: &R) -> bool {
    matches!(record.verdict(), Some(Verdict::Fail) | None)
}
