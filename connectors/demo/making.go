package demo

import (
	"slices"

	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

func (s sample) making() []trello.Card {
	return []trello.Card{
		{
			Name: "Build number 001", Author: "mira", Made: s.at(-40, 8, 0), Cover: "green", Labels: []string{"Frame", "Wheels & drive", "Electric"},
			Members: []string{"jonas", "mira"}, Start: s.at(-6, 8, 0), Due: s.at(2, 16, 45),
			Desc:   "The first Kvikk that is ridden by somebody else.\n\n## Rules\n\n1. nothing is glued\n2. every screw gets its **torque** written down\n3. `001` stays with us\n\nWaits for {card:Carbon belts, 118 teeth}.",
			Fields: map[string]string{"Budget (NOK)": "31250.5", "Stage": "Prototype", "Signed off": "false"},
			Checklists: []trello.Checklist{checklist("Assembly", "+ Frame out of the jig", "+ Head tube faced", "+ Bottom bracket shell tapped", "+ Box bolted on", "+ Steering linkage",
				"+ Headset, upper", "+ Headset, lower", "+ Fork in", "+ Front wheel 20″", "+ Rear wheel 26″", "+ Motor plate", "+ Motor in", "Belt and sprockets", "Brake lines", "Brake discs",
				"Battery rail", "Cable loom", "Display", "Lights, front", "Lights, rear", "Mudguards", "Bell", "Torque check, twice", "Serial plate 001")},
			Attachments: []trello.Attachment{
				{Name: "torque.csv", Data: torques(), Author: "jonas", At: s.at(-5, 7, 50)},
				{Name: "001-left.png", Data: picture(1), Author: "jonas", At: s.at(-4, 15, 30)},
				{Name: "001-right.png", Data: picture(2), Author: "jonas", At: s.at(-4, 15, 31)},
				toCard("Weld the front box (mk 3)"), toCard("Brakes for 180 kg"),
			},
			Comments: []trello.Comment{
				said("jonas", s.at(-6, 16, 0), "Frame is straight: 0.4 mm over the whole length. 🎉"),
				said("aiko", s.at(-6, 22, 10), "おめでとう！写真をください。"),
				said("jonas", s.at(-4, 15, 33), "Here they are, @aiko"),
				said("mira", s.at(-2, 8, 5), "@jonas @samir please keep the old bolts, the insurance wants to see them.\n\n- M8 × 20\n- M6 × 16"),
			},
		},
		{
			Name: "Weld the front box (mk 3)", Author: "jonas", Made: s.at(-35, 8, 0), Labels: []string{"Frame"}, Members: []string{"jonas"}, Start: s.at(-9, 0, 0), Due: s.at(4, 0, 0),
			Desc:        "Bench hinge 40 mm back, because of {card:A rain cover that folds into the box}.",
			Checklists:  []trello.Checklist{checklist("Seams", "+ floor", "+ left", "+ right", "front lip", "drain holes")},
			Attachments: []trello.Attachment{{Name: "box-mk3.png", Data: picture(4), Author: "jonas", At: s.at(-9, 11, 0)}},
			Fields:      map[string]string{"Stage": "Prototype"},
		},
		{
			Name: "Brakes for 180 kg", Author: "samir", Made: s.at(-33, 8, 0), Labels: []string{"Wheels & drive", "Urgent:red"}, Members: []string{"samir"}, Due: s.at(3, 14, 0),
			Desc:     "Four pistons in front. The norm asks for 4.5 m from 25 km/h.",
			Comments: []trello.Comment{said("samir", s.at(-7, 17, 0), "القياس اليوم: ٤٫٢ متر على الجاف."), said("mira", s.at(-7, 17, 30), "4.2 m dry! And wet?"), said("samir", s.at(-6, 9, 10), "Tomorrow, if it rains. (It will.)")},
		},
		{
			Name: "Bench for two children", Author: "mira", Made: s.at(-30, 8, 0), Labels: []string{"Frame"}, Members: []string{"mira", "eleni"}, Cover: "yellow",
			Checklists: []trello.Checklist{checklist("Safety", "+ belts, three points", "no gap wider than 5 mm", "no paint that a child can lick"), checklist("Comfort", "cushion that dries", "room for a backpack")},
			Voters:     []string{"eleni", "tomas"},
		},
		{
			Name: "Cable loom, version B", Author: "samir", Made: s.at(-21, 8, 0), Labels: []string{"Electric"}, Members: []string{"samir", "jonas"},
			Desc:        "Version A broke at the steering. Longer by 60 mm and a loop at the head tube.",
			Attachments: []trello.Attachment{{Name: "loom-b.txt", Data: []byte("white   motor +\nblack   motor -\ngreen   display\nred     lights front\n"), Author: "samir", At: s.at(-20, 8, 0)}},
		},
		{
			Name: "The colour: fjord green", Author: "eleni", Made: s.at(-20, 9, 0), Labels: []string{"Frame", "Words & pictures"}, Members: []string{"eleni"}, Cover: "lime",
			Desc:     "RAL 6004, but *not quite*. Sample plates hang by the door.",
			Stickers: []string{"rocketship"},
		},
		{
			Name: "Teach the tax office what a cargo bike is", Author: "mira", Made: s.at(-13, 9, 0), Members: []string{"mira"}, Due: s.at(-1, 12, 0),
			Comments: []trello.Comment{said("mira", s.at(-1, 13, 0), "They will call back. ☎️")},
		},
		{
			Name: "第一号車の組立記録", Author: "aiko", Made: s.at(-6, 3, 0), Labels: []string{"日本", "Words & pictures"}, Members: []string{"aiko"},
			Desc:       "写真と一緒に、一歩ずつ。{card:Build number 001}",
			Checklists: []trello.Checklist{checklist("章", "+ フレーム", "+ 前輪", "モーター", "ベルト")},
		},
		{Name: "Stand with a wide foot", Author: "jonas", Made: s.at(-9, 9, 0), Labels: []string{"Frame"}, Members: []string{"jonas"}},
		{Name: "Sharpen the tube cutters", Author: "jonas", Made: s.at(-5, 9, 0), Closed: true, Done: true},
	}
}

func (s sample) waiting() []trello.Card {
	return slices.Concat([]trello.Card{
		{
			Name: "Carbon belts, 118 teeth", Author: "jonas", Made: s.at(-25, 8, 0), Labels: []string{"Wheels & drive", "Supplier", "Urgent:orange"}, Members: []string{"jonas"}, Due: s.at(1, 9, 0),
			Fields: map[string]string{"Supplier": "Beltwerk GmbH", "Ordered on": s.at(-19, 12, 0).Format("2006-01-02T15:04:05.000Z"), "Budget (NOK)": "5400"},
			Attachments: []trello.Attachment{
				{Name: "Parcel", URL: "https://tracking.example.com/parcels/BW-2026-118-000471?lang=en&from=newsletter&session=none", Author: "jonas", At: s.at(-3, 9, 0)},
				toCard("Build number 001"),
			},
			Comments: []trello.Comment{said("jonas", s.at(-3, 9, 2), "Left Hamburg this morning."), said("mira", s.at(-1, 9, 2), "And today? 🐌")},
		},
		{
			Name: "ハブダイナモ 6台", Author: "aiko", Made: s.at(-23, 2, 0), Labels: []string{"日本", "Electric", "Supplier"}, Members: []string{"aiko"},
			Desc:        "大阪の工場から。税関に止まっています。",
			Attachments: []trello.Attachment{{Name: "ホイール寸法.csv", Data: []byte("型番,外径,穴数\nDH-20,100,32\nDH-26,135,36\n"), Author: "aiko", At: s.at(-22, 2, 0)}},
			Fields:      map[string]string{"Supplier": "大阪ハブ製作所", "Budget (NOK)": "11400"},
		},
		{
			Name: "Batteries, 720 Wh", Author: "samir", Made: s.at(-22, 8, 0), Labels: []string{"Electric", "Supplier"}, Members: []string{"samir"}, Due: s.at(11, 0, 0),
			Desc: "Dangerous goods: they come by road. Needs {card:Fire cupboard} first.", Fields: map[string]string{"Budget (NOK)": "38400", "Stage": "Series"},
		},
		{Name: "Fire cupboard", Author: "samir", Made: s.at(-21, 8, 0), Labels: []string{"Electric"}, Attachments: []trello.Attachment{toCard("Batteries, 720 Wh")}},
		{Name: "Box plywood, birch 9 mm", Author: "jonas", Made: s.at(-12, 8, 0), Labels: []string{"Frame", "Supplier"}, Fields: map[string]string{"Supplier": "Moelven"}},
	}, s.plain("samir", -6, "Brake fluid, mineral", "Torx 25, the long ones", "Rims, 26″ × 36 holes", "Cushion fabric that dries"))
}
