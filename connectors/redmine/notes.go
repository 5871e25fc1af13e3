package redmine

import "strings"

// Comments that are written with an administrator's key are its owner's where
// nobody of the server stands for their author, and where the owner himself is
// the author. So that both can be told apart when they are read back, line ends
// at the end of the note, which nobody sees, count: each one of the text is
// doubled, and one more says that the author is somebody else.

// ownNote returns the note to store for a text that is written as the owner of
// the key.
func ownNote(text string, byOwner bool) string {
	rest := strings.TrimRight(text, "\n")
	n := 2 * (len(text) - len(rest))
	if !byOwner {
		n++
	}
	return rest + strings.Repeat("\n", n)
}

// headed reports whether a text begins with a line such as the one that names
// the author and the time of a comment.
func headed(text string) bool {
	first, rest, ok := strings.Cut(text, "\n")
	return ok && rest != "" && strings.HasSuffix(first, ":")
}

// readOwnNote is the opposite of ownNote.
func readOwnNote(note string) (text string, byOwner bool) {
	rest := strings.TrimRight(note, "\n")
	n := len(note) - len(rest)
	return rest + strings.Repeat("\n", n/2), n%2 == 0
}
