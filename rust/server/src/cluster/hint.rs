//! What to do where nobody leads.

/// Of servers that stand so, some of which have lost their memory and take no part yet.
pub(crate) fn where_nobody_leads(newcomers: usize, servers: usize) -> &'static str {
    if 2 * newcomers > servers {
        "more than half of the servers have lost their memory, so that no leader can be elected any more: stop all of them and run \
         `synced cluster recover`, which begins anew with what their folders still hold"
    } else {
        "more than half of the voters must be up and reach one another"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_no_quorum_is_left_recovery_is_the_way() {
        for (newcomers, servers, is_lost) in
            [(0, 5, false), (2, 5, false), (3, 5, true), (1, 1, true)]
        {
            let hint = where_nobody_leads(newcomers, servers);
            assert_eq!(
                hint.contains("synced cluster recover"),
                is_lost,
                "{newcomers} of {servers}"
            );
        }
    }
}
