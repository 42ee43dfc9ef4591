// Package statement is what dialects have in common where they find out what statement texts do, whatever the database family. A dialect of one's own
// needs it to implement [dialect.Sessions]; packages postgres and mysql are made with it.
//
// What a text does is found out once, and remembered. There are two ways:
//
//   - [ByText] is for a family in which the text alone tells what a statement does. One function judges it.
//   - [Reader] is for a family in which a name may stand for a routine, a view or a trigger that does something: it judges texts by a copy of the
//     server's catalogue, knows which names texts lack, and when the copy is out of date. [Graph] is such a copy.
//
// Either is embedded in the dialect's own type, which adds Baseline, Reset and Leftovers:
//
//	type sessions struct{ *statement.ByText }
//
// A function that judges makes a [dialect.Statement], and says with [Unknown], [NeedsPrimary] and their relatives what is against it, always with a
// reason. [Hints] reads comments such as /* pool:primary */, [Words] is for sources that nobody can parse, [Summary] makes the summaries that
// dialects owe, and [Cache] remembers anything else by its text. What hides literals is [dialect.MaskPieces].
//
// What it is not: a lexer or a parser. How a text is divided is the family's own.
package statement
