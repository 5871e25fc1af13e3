package demo

import (
	"slices"

	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

func (s sample) riding() []trello.Card {
	return []trello.Card{
		{
			Name: "Motor: first ride", Author: "samir", Made: s.at(-26, 8, 0), Labels: []string{"Electric"}, Members: []string{"samir", "mira"}, Start: s.at(-5, 9, 0), Due: s.at(0, 15, 0),
			Desc:       "Up to Fløyen and back, with 60 kg in the box.",
			Checklists: []trello.Checklist{checklist("Listen for", "+ whine at 18 km/h", "+ click under load", "rattle in the box")},
			Comments: []trello.Comment{
				said("samir", s.at(-5, 12, 0), "31 km, 540 m up, 38 % left."),
				said("tomas", s.at(-5, 12, 30), "And a very happy dog 🐕"),
				said("eleni", s.at(-5, 13, 0), "Φωτογραφία; @tomas"),
			},
		},
		{
			Name: "Ride with the daycare", Author: "eleni", Made: s.at(-16, 8, 0), Members: []string{"eleni", "samir"}, Due: s.at(6, 9, 30), Labels: []string{"Words & pictures", "Urgent:red"},
			Desc: "Four children, two bikes, one park. Parents signed.", Stickers: []string{"star"},
		},
		{Name: "100 km without a screwdriver", Author: "jonas", Made: s.at(-14, 8, 0), Members: []string{"jonas"}, Attachments: []trello.Attachment{{Name: "route.txt", Data: []byte("Bergen\nOs\nFusa\nTysse\nBergen\n"), Author: "jonas", At: s.at(-13, 8, 0)}}},
		{Name: "Night ride: do they see us?", Author: "samir", Made: s.at(-10, 8, 0), Members: []string{"samir", "tomas"}, Labels: []string{"Electric"}, Due: s.at(8, 21, 30)},
		{Name: "Μια βόλτα στη βροχή", Author: "eleni", Made: s.at(-10, 8, 30), Members: []string{"eleni"}, Desc: "Με γεμάτο κουτί, από το **λιμάνι** ως την κορυφή."},
		{Name: "Tram rails, wet", Author: "mira", Made: s.at(-11, 8, 0), Labels: []string{"Wheels & drive"}},
		{Name: "Cobblestones, loaded", Author: "mira", Made: s.at(-11, 8, 5), Labels: []string{"Wheels & drive", "Frame"}, Done: true, Due: s.at(-3, 16, 0)},
	}
}

func (s sample) done() []trello.Card {
	done := func(name, author string, made int, labels ...string) trello.Card {
		return trello.Card{Name: name, Author: author, Made: s.at(made, 8, 0), Done: true, Due: s.at(made+9, 15, 0), Labels: labels, Members: []string{author}}
	}
	gone := done("Logo, first round", "eleni", -45, "Words & pictures")
	gone.Closed = true
	gone.Comments = []trello.Comment{said("tomas", s.at(-44, 10, 0), "It looks like a toaster."), said("eleni", s.at(-44, 10, 1), "😅 archived")}
	name := done("A name for the bike", "mira", -58, "Words & pictures")
	name.Desc = "**Kvikk**: quick, in the dialect of the street that we live in. Runner-up: *Mule*."
	name.Voters = []string{"mira", "jonas", "aiko", "eleni", "samir", "tomas"}
	name.Comments = []trello.Comment{said("aiko", s.at(-57, 6, 0), "キビック？ 言いやすいです。"), said("samir", s.at(-57, 9, 0), "كفيك! جميل."), said("eleni", s.at(-57, 9, 30), "Κβικ. Ωραίο!")}
	frame := done("Frame drawing, revision F", "jonas", -52, "Frame")
	frame.Attachments = []trello.Attachment{{Name: "frame-f.png", Data: picture(5), Author: "jonas", At: s.at(-50, 8, 0)}, toCard("Build number 001")}
	frame.Fields = map[string]string{"Stage": "Series", "Signed off": "true"}
	money := done("Loan from the bank", "mira", -55, "lime")
	money.Fields = map[string]string{"Budget (NOK)": "750000", "Signed off": "true"}
	return slices.Concat([]trello.Card{
		name, money, frame,
		done("Rent the second hall", "mira", -50),
		done("Jig for the rear triangle", "jonas", -47, "Frame"),
		gone,
		done("Choose the motor", "samir", -42, "Electric"),
		done("Logo, second round", "eleni", -38, "Words & pictures"),
		done("日本の規格を調べる", "aiko", -36, "日本"),
		done("Trade mark", "mira", -34),
		done("Tool wall, with outlines", "jonas", -32),
		done("Write to forty shops", "eleni", -29, "Words & pictures"),
	}, s.plain("jonas", -28, "Sweep the hall", "Sweep the hall")) // twice, as in life
}

func (s sample) lastSeason() []trello.Card {
	return slices.Concat([]trello.Card{
		{Name: "Recall of the Rask stem", Author: "jonas", Made: s.at(-59, 8, 0), Done: true, Labels: []string{"Frame", "Urgent:red"}, Members: []string{"jonas"},
			Desc:     "38 of 40 came back. See {card:Frame drawing, revision F} for what we learned.",
			Comments: []trello.Comment{said("jonas", s.at(-58, 8, 0), "39."), said("jonas", s.at(-51, 8, 0), "40! 🎉")}},
		{Name: "Winter storage for customers", Author: "samir", Made: s.at(-59, 9, 0), Done: true},
	}, s.plain("mira", -59, "Summer party", "New coffee machine", "Fix the roof"))
}
