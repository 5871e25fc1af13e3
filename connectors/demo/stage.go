// Package demo is what `rialto demo` plays on: a Trello with the board of a
// bicycle workshop, an empty Microsoft 365, and what the people of the workshop
// do while their board moves.
package demo

import (
	"fmt"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

const (
	boardName = "Kvikk: launch of a cargo bike"
	workshop  = "Spoke & Chain"
	mailHost  = "@spokeandchain.example"
)

// Seeds of the clouds. The same board has the same ids in every demonstration.
const (
	trelloSeed    = 20
	microsoftSeed = 365
)

// provisioning is how long the drive of the group that the demonstration makes
// is not there. Real ones take minutes.
const provisioning = 600 * time.Millisecond

// New makes the stage. It is a standin.StageMaker.
func New(now time.Time, slow time.Duration) (*standin.Stage, error) {
	faults := standin.Faults{Slow: slow}
	from := trello.New(trello.Options{Seed: trelloSeed, Faults: faults})
	people := []microsoft.User{{Name: from.Me().FullName, Mail: from.Me().Email}}
	for _, p := range staff() {
		from.AddMember(trello.Member{Username: p.user, FullName: p.name, Email: p.user + mailHost})
		if p.account != "" {
			people = append(people, microsoft.User{Name: p.name, Mail: p.account + mailHost})
		}
	}
	org, err := from.AddWorkspace(workshop, usernames()...)
	if err != nil {
		return nil, err
	}
	s := sample{today: now.UTC().Truncate(24 * time.Hour)}
	id, err := from.AddBoard(s.board(org))
	if err != nil {
		return nil, err
	}
	to := microsoft.New(microsoft.Options{Seed: microsoftSeed, Faults: faults, ProvisioningDelay: provisioning, Users: people})
	signedIn, err := to.DelegatedSettings("", people[0].Mail)
	if err != nil {
		return nil, err
	}
	return &standin.Stage{
		From: from, To: tenant{to, signedIn}, Scope: "board:" + id, Place: "group:" + workshop, Timezone: "Europe/Oslo",
		Deeds: s.deeds(from), Named: namer(from),
	}, nil
}

// tenant is the Microsoft 365 with a connection that acts as a person: only
// people may write comments.
type tenant struct {
	*microsoft.Server
	signedIn map[string]string
}

// Settings implements standin.Cloud.
func (t tenant) Settings(base string) map[string]string {
	out := t.Server.Settings(base)
	delete(out, "client-secret")
	out["refresh-token"] = t.signedIn["refresh-token"]
	return out
}

// A person of the workshop. account is who they are in Microsoft 365; "" for
// somebody who has no account there.
type person struct{ user, name, account string }

func staff() []person {
	return []person{
		{"mira", "Mira Halvorsen", "mira"},
		{"jonas", "Jonas Weber", "j.weber"}, // found by name
		{"aiko", "田中 愛子", "aiko"},
		{"eleni", "Ελένη Παππά", "eleni"},
		{"samir", "سمير حداد", "samir"},
		{"tomas", "Tomas Lind", ""}, // a photographer from outside
	}
}

func usernames() []string {
	var out []string
	for _, p := range staff() {
		out = append(out, p.user)
	}
	return out
}

// sample writes the board. Its days count from today.
type sample struct{ today time.Time }

// at is a time of a day: -3 is three days ago.
func (s sample) at(day int, hour, minute int) time.Time {
	return s.today.AddDate(0, 0, day).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

// card finds a card by its name.
func card(from *trello.Server, name string) (trello.CardView, error) {
	for _, b := range from.Boards() {
		for _, l := range b.Lists {
			for _, c := range l.Cards {
				if c.Name == name {
					return c, nil
				}
			}
		}
	}
	return trello.CardView{}, fmt.Errorf("the sample has no card %q", name)
}
