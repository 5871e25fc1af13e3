package connector

import "context"

// A Seen is a Target that knows who will see what it writes: run asks it before
// it lets more people see something than see it at the source. Optional, but
// without it a forecast can only say that it does not know.
type Seen interface {
	// Audience tells who sees what is made in this place, as things stand. It only
	// reads, and asks no more than what opening the place and Members did not tell.
	Audience(context.Context) (Audience, error)
}

// An Audience is who sees a container that is made in a place of the target.
type Audience struct {
	// Visibility is one of the constants of Shard; "" if the cloud does not tell.
	Visibility string
	// People are the ids of those who see it because of the place alone, whoever
	// is added to the container: the members of a group, the administrators of a
	// workspace. Meaningful where Visibility is neither ForOrganisation nor
	// ForEverybody. Hidden says that the cloud does not tell them.
	People []string
	Hidden bool
	// Writer is the id of the account that writes, "" if it is no person: it sees
	// what it wrote.
	Writer string
	// Joins says that who is added to a container is added to the place, and sees
	// all that is in it.
	Joins bool
	// Gains are what somebody who joins the place has besides its containers, in
	// words for people: "mailbox", "files". Empty if the place is made for the
	// first container, and holds nothing yet.
	Gains []string
}
