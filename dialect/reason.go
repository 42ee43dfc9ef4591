package dialect

// Reason tells people why a session costs more than it might: a full reset, or its connection. It shows names, and never literals. The zero value is
// none.
type Reason struct {
	// What is a clause, such as "function f has execute in its source".
	What string
	// Routine is the one that would have to be known to leave nothing. The zero value: there is none, or it has no schema.
	Routine Routine
	// Cure is what else would help. Empty: nothing is known.
	Cure string
}

// Routine is a function or procedure, by its names as the catalogue has them.
type Routine struct{ Schema, Name string }

// Declared is what a program says of its server, and whom it wants to be told what the catalogue shows.
type Declared struct {
	// Harmless are routines that leave nothing in the session, whatever their sources show.
	Harmless []Routine
	// Missing is told those of them that the catalogue does not have, each time that it is read. Nil: nobody is.
	Missing func(Routine)
	// Global is told what costs something though no statement names it, each time that the catalogue is read, and which statements pay for it. Nil:
	// nobody is.
	Global func(why Reason, statements string)
	// Unseen is told the databases of tables whose triggers the user may not see, and what would help, each time that one is read. Nil: nobody is.
	Unseen func(database, cure string)
}

// Unprovable are the effects for which there is a [Reason]: nobody can tell what they are, or undo them one by one.
const Unprovable = Permanent | UnknownEffect
