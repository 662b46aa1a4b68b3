--------------------------- MODULE ProgressMutants ---------------------------
(* What Progress would be with one thing wrong in it, each of which some invariant must find.                                  *)
EXTENDS Progress

NoLine(i) == 0
NoLoyalty(i) == FALSE
VoteForAnyone(i, from, t) == t >= term[i]
=============================================================================
