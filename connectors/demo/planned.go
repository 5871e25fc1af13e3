package demo

import (
	"slices"

	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

func (s sample) ideas() []trello.Card {
	return slices.Concat([]trello.Card{
		{
			Name: "A rain cover that folds into the box", Author: "eleni", Made: s.at(-31, 9, 12), Labels: []string{"Words & pictures", "lime"},
			Desc:   "Seen in Copenhagen: the cover disappears *behind the bench*.\n\n> Two hands, five seconds, no tools.\n\nBelongs to {card:Bench for two children}.",
			Voters: []string{"mira", "jonas", "samir"}, Stickers: []string{"heart"},
			Attachments: []trello.Attachment{{Name: "cover-sketch.png", Data: picture(3), Author: "eleni", At: s.at(-31, 9, 20)}},
			Comments: []trello.Comment{
				said("jonas", s.at(-30, 14, 2), "The hinge of the bench is in the way. @mira can it move 4 cm back?"),
				said("mira", s.at(-30, 15, 40), "It can. See {card:Weld the front box (mk 3)}."),
			},
		},
		{
			Name: "日本向けの小さいモデル", Author: "aiko", Made: s.at(-28, 7, 30), Labels: []string{"日本"}, Members: []string{"aiko"},
			Desc:   "東京の駐輪場は幅が**60 cm**しかありません。\n\n1. 前輪を16インチにする\n2. ハンドルを折りたためるようにする",
			Voters: []string{"aiko", "mira"}, Fields: map[string]string{"Stage": "Sketch"},
			Attachments: []trello.Attachment{{Name: "駐輪場の寸法.txt", Data: []byte("幅 60 cm\n長さ 190 cm\n高さ 制限なし\n"), Author: "aiko", At: s.at(-28, 7, 41)}},
			Comments:    []trello.Comment{said("aiko", s.at(-27, 6, 55), "@mira 来週、サンプルを送ってもいいですか？ 🙂")},
		},
		{
			Name: "Σακίδιο για τη μπαταρία", Author: "eleni", Made: s.at(-24, 10, 0), Labels: []string{"Electric"},
			Desc: "Μια τσάντα που κρατά τη μπαταρία ζεστή τον χειμώνα.\n\n- μάλλινη επένδυση\n- αδιάβροχο φερμουάρ",
		},
		{
			Name: "دليل المستخدم بالعربية", Author: "samir", Made: s.at(-22, 11, 30), Labels: []string{"Words & pictures"}, Members: []string{"samir"},
			Desc:     "كتيّب صغير من **ثماني صفحات** مع صور كثيرة وكلمات قليلة.",
			Comments: []trello.Comment{said("samir", s.at(-21, 8, 15), "سأبدأ بعد اختبار المكابح. @eleni هل الصور جاهزة؟")},
		},
		{
			Name: "Lend a Kvikk for a week", Author: "mira", Made: s.at(-19, 13, 0), Cover: "sky", Voters: []string{"eleni", "aiko", "jonas", "samir", "tomas"},
			Desc: "Whoever rode it for a week buys it. Ask the town hall, the library, and [Fjellhaug](https://fjellhaug.example/lending).",
		},
	}, s.plain("tomas", -17, "Bell with the sound of a tram", "Stickers that are a puzzle of the map", "A song for the launch 🎶"),
		s.plain("jonas", -15, "Reuse the old forks as coat hooks", "Wheel truing evening with pizza", "Map of good cobblestones"),
		[]trello.Card{
			{Name: "Trailer hitch?", Author: "jonas", Made: s.at(-14, 9, 0), Closed: true, Desc: "Not this year.",
				Comments: []trello.Comment{said("mira", s.at(-13, 9, 30), "Insurance says no. Closing.")}},
			{Name: "Rent a stand at the spring fair", Author: "eleni", Made: s.at(-12, 9, 0), Due: s.at(41, 16, 0), Fields: map[string]string{"Budget (NOK)": "18500"}},
		})
}

func (s sample) ready() []trello.Card {
	return slices.Concat([]trello.Card{
		{
			Name: "Photos of the first bike", Author: "eleni", Made: s.at(-20, 8, 0), Cover: "purple", Labels: []string{"Words & pictures", "Urgent:orange"},
			Members: []string{"eleni", "tomas"}, Start: s.at(3, 8, 0), Due: s.at(5, 17, 30),
			Desc: "In the harbour, **morning light**, a child who laughs.\n\nShot list is in the file; the bike comes from {card:Build number 001}.",
			Attachments: []trello.Attachment{
				{Name: "shot-list.csv", Data: shotList(), Author: "tomas", At: s.at(-18, 16, 4)},
				{Name: "harbour-morning.png", Data: picture(7), Author: "tomas", At: s.at(-18, 16, 6)},
				{Name: "Weather of the week", URL: "https://www.yr.no/en/forecast/daily-table/1-92416/Norway/Vestland/Bergen/Bergen", Author: "eleni", At: s.at(-4, 9, 0)},
				toCard("Build number 001"),
			},
			Checklists: []trello.Checklist{
				{Name: "Bring along", Items: []trello.Item{
					{Name: "Helmet in the right green", Done: true, Member: "eleni"}, {Name: "Two thermos flasks"}, {Name: "Reflector, 1 m", Member: "tomas", Due: s.at(4, 12, 0)}}},
				checklist("Pictures", "the box, open", "the box with a dog", "+ the motor from below", "hands on the handlebar", "雨の中 (in the rain)"),
			},
			Comments: []trello.Comment{
				said("tomas", s.at(-18, 16, 10), "I can do Thursday or Friday. Light is best until 09:30."),
				said("eleni", s.at(-17, 8, 2), "Thursday! @jonas is number 001 ready by then?"),
				said("jonas", s.at(-17, 8, 44), "If the belt comes: {card:Carbon belts, 118 teeth}"),
				said("mira", s.at(-17, 9, 1), "Then we ask for an express parcel. 📦"),
			},
		},
		{
			Name: "Price list for the shops", Author: "mira", Made: s.at(-18, 10, 0), Labels: []string{"Words & pictures"}, Members: []string{"mira"}, Due: s.at(9, 12, 0),
			Desc:        "| model | price |\n|---|---|\n| Kvikk | 48 900 |\n| Kvikk long | 54 900 |\n\nwith VAT, *without* the bench",
			Attachments: []trello.Attachment{{Name: "قائمة الأسعار.txt", Data: []byte("كفيك: ٤٨٩٠٠\nكفيك الطويلة: ٥٤٩٠٠\n"), Author: "samir", At: s.at(-16, 12, 0)}},
			Fields:      map[string]string{"Signed off": "true"},
		},
		{
			Name: "Manual, English", Author: "samir", Made: s.at(-18, 10, 10), Labels: []string{"Words & pictures"}, Members: []string{"samir", "eleni"}, Due: s.at(12, 15, 0),
			Desc: "Start from the [old manual](https://spokeandchain.example/manuals/rask-2019.html); what changed is in {card:Brakes for 180 kg} and {card:Motor: first ride}.",
			Checklists: []trello.Checklist{checklist("Chapters", "+ What is in the box", "+ Before the first ride", "Brakes", "Battery in winter", "With children",
				"Where to get parts and how the person who bought the bike second-hand can register it in their own name without the first owner's papers")},
		},
		{
			Name: "Insurance papers for test rides", Author: "mira", Made: s.at(-16, 9, 0), Labels: []string{"Urgent:red"}, Members: []string{"mira"}, Due: s.at(2, 10, 15),
			Comments: []trello.Comment{said("mira", s.at(-3, 14, 20), "They want the frame numbers. @jonas 001 to 006 please.")},
		},
		{
			Name: "Invite the neighbours", Author: "eleni", Made: s.at(-11, 9, 0), Due: s.at(20, 18, 0), Stickers: []string{"smile", "thumbsup"},
			Desc: "Coffee, waffles, and everybody may ring the bell once.",
		},
		{
			Name: "Serial number plates", Author: "jonas", Made: s.at(-10, 9, 0), Labels: []string{"Frame", "Supplier"}, Fields: map[string]string{"Supplier": "Gravør Nilsen", "Budget (NOK)": "3200", "Stage": "Series"},
		},
		{
			Name: "Website: one page, no cookies", Author: "tomas", Made: s.at(-9, 9, 0), Labels: []string{"Words & pictures"}, Members: []string{"tomas", "eleni"}, Due: s.at(18, 23, 0),
			Desc:        "```html\n<h1>Kvikk</h1>\n<p>Carries what you love.</p>\n```\n\nNo tracking, no banner. Pictures from {card:Photos of the first bike}.",
			Attachments: []trello.Attachment{toCard("Photos of the first bike"), {URL: "https://github.com/spoke-and-chain/kvikk-site/blob/main/content/pages/2026/launch/a-bicycle-that-carries-what-you-love.md?plain=1#L12-L40", Author: "tomas", At: s.at(-8, 9, 0)}},
		},
	}, s.plain("samir", -8, "Order waffle flour (12 kg)", "Cable ties, black, 200 mm", "Helmet wall", "値札を二か国語で", "ΦΠΑ: ask the accountant about Greek orders"))
}
