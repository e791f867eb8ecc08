//! The older text format, made of the newer one.

/// OpenMetrics text as Prometheus' own (0.0.4): counters are declared under the name that their samples have, and what
/// the older format does not know is left out.
pub(super) fn as_prometheus(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let mut help: Option<(&str, &str)> = None;
    for line in open.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            if let Some((_, help)) = help.take().filter(|(of, _)| *of == name) {
                text.push_str(&format!("# HELP {name}{suffix} {help}\n"));
            }
            text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with('#') {
            text.push_str(without_exemplar(line));
            text.push('\n');
        }
    }
    text
}

/// Only buckets have exemplars, which only the newer format knows; labels of buckets are words of ours.
fn without_exemplar(line: &str) -> &str {
    let is_bucket = line.split('{').next().is_some_and(|name| name.ends_with("_bucket"));
    let sample = line.split_once(" # {").filter(|_| is_bucket);
    sample.map_or(line, |(sample, _)| sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_declared_as_their_samples_are_named() {
        let open = "# HELP a_seconds Time.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total 1.0\n\
                    # HELP b What runs.\n# TYPE b info\nb_info{v=\"1\"} 1\n# TYPE c gauge\nc 2\n# TYPE d histogram\n\
                    d_bucket{le=\"1\"} 1 # {trace_id=\"4bf9\"} 0.5\n# EOF\n";
        let older = "# HELP a_seconds_total Time.\n# TYPE a_seconds_total counter\na_seconds_total 1.0\n\
                     # HELP b_info What runs.\n# TYPE b_info gauge\nb_info{v=\"1\"} 1\n# TYPE c gauge\nc 2\n\
                     # TYPE d histogram\nd_bucket{le=\"1\"} 1\n";
        assert_eq!(as_prometheus(open), older);
    }
}
