package standin

// The words of a generated organisation. Cards share these strings: 60,000 of
// them hold no text of their own, but for the links.

// A name as it is written, and as a user name has it.
type name struct{ name, latin string }

var givenNames = []name{{"Ana", "ana"}, {"Björn", "bjorn"}, {"Chiara", "chiara"}, {"Dinesh", "dinesh"}, {"Élodie", "elodie"}, {"Farah", "farah"},
	{"Gökhan", "gokhan"}, {"Hanna", "hanna"}, {"Ingrid", "ingrid"}, {"Jürgen", "jurgen"}, {"Katarzyna", "kasia"}, {"Lê", "le"}, {"Mira", "mira"},
	{"Nikos", "nikos"}, {"Olga", "olga"}, {"Pedro", "pedro"}, {"Rania", "rania"}, {"Søren", "soren"}, {"Tomáš", "tomas"}, {"Zoë", "zoe"},
	{"Светлана", "svetlana"}, {"Дмитрий", "dmitri"}, {"花子", "hanako"}, {"健", "ken"}, {"Αλέξης", "alexis"}, {"محمد", "mohammed"}, {"דנה", "dana"},
	{"민준", "minjun"}, {"王", "wang"}, {"Priya", "priya"}, {"Tom", "tom"}, {"Ruth", "ruth"}}

var familyNames = []name{{"Andersen", "andersen"}, {"Bauer", "bauer"}, {"Castro", "castro"}, {"Đorđević", "dordevic"}, {"Eriksson", "eriksson"},
	{"Fernández", "fernandez"}, {"García", "garcia"}, {"Hoffmann", "hoffmann"}, {"İnan", "inan"}, {"Jansen", "jansen"}, {"Kovács", "kovacs"},
	{"Łukasik", "lukasik"}, {"Müller", "muller"}, {"Nguyễn", "nguyen"}, {"O’Neill", "oneill"}, {"Patel", "patel"}, {"Ricci", "ricci"},
	{"Şahin", "sahin"}, {"Tkachenko", "tkachenko"}, {"van der Berg", "vanderberg"}, {"Иванова", "ivanova"}, {"Петров", "petrov"}, {"山田", "yamada"},
	{"佐藤", "sato"}, {"Παπαδόπουλος", "papadopoulos"}, {"حسن", "hassan"}, {"כהן", "cohen"}, {"김", "kim"}, {"李", "li"}, {"Smith", "smith"}}

// The first one is the free workspace.
var workspaceNames = []string{"Side projects", "Marketing", "Engineering", "Finance & Legal", "Facilities", "Отдел продаж", "デザイン", "Produktion Süd",
	"Human Resources", "Customer Care", "Logistics"}

var boardNames = []string{"Roadmap", "Sprint", "Launch", "Hiring", "Office move", "Budget", "Redaktionsplan", "Support queue", "Événements", "План продаж",
	"新製品", "Suppliers", "Onboarding", "Audit", "Website", "Ideas", "Team tasks", "Travel", "Maintenance", "Kundenprojekt"}

var listNames = [][]string{{"To Do", "Doing", "Done"}, {"Backlog", "Next", "In progress", "Review", "Done"}, {"Ideas", "Planned", "Written", "Published"},
	{"Offen", "In Arbeit", "Wartet", "Erledigt"}, {"Сделать", "В работе", "Готово"}, {"未着手", "進行中", "完了"},
	{"January", "February", "March", "April", "May", "June", "Later", "Done"}}

var labelNames = []string{"Urgent", "Customer", "Waiting", "Bug", "Idea", "Legal", "", "Design", "Срочно", "重要", "Q3", "Blocked"}

var checklistNames = []string{"Steps", "Checklist", "Before release", "Papers", "Definition of done", "Заметки"}

var fileNames = []struct{ name, mime string }{{"offer.pdf", "application/pdf"}, {"minutes.txt", "text/plain"}, {"budget 2025.csv", "text/csv"},
	{"logo.png", "image/png"}, {"floor plan.jpg", "image/jpeg"}, {"Протокол.pdf", "application/pdf"}, {"見積書.pdf", "application/pdf"}}

var webPages = []string{"https://example.org/handbook", "https://example.com/orders/4711", "https://en.wikipedia.org/wiki/Rialto_Bridge", "https://example.net/a?b=c&d=%20e"}

var paragraphs = []string{
	"What we agreed on Tuesday:\n\n* one page, no more\n* numbers of the last quarter\n* who decides",
	"The customer asks for a date. **Do not promise one** before the supplier has answered.",
	"Steps so far are in the checklist; the rest follows when the papers are here.",
	"Bitte bis Ende der Woche prüfen und mit der Buchhaltung abstimmen.",
	"Нужно согласовать с юристами до конца месяца.",
	"来週までに確認をお願いします。",
	"Goal: fewer questions on the first day.\n\n1. laptop and badge\n2. accounts\n3. lunch with the team",
	"`curl -I https://example.org/health` says 503 since the move; see the log in the attachment.",
	"Cost: about 4,200 €, of which half is for the permit.",
	"Merci de relire avant publication 🙂",
}

var comments = []string{"Done, please have a look.", "Waits for the answer of the supplier.", "I moved this to next week.", "👍", "Can we talk about this on Monday?",
	"Die Rechnung ist da.", "Спасибо, проверю завтра.", "確認しました。", "The numbers do not add up: see row 14.", "Closed by phone.", "Who takes this over?",
	"Agreed with **Legal**; go ahead.", "Reminder: the deadline is fixed."}

// askTexts hold one "@", which becomes somebody's user name.
var askTexts = []string{"@ could you check this?", "Over to @, who knows the customer.", "Thanks @!"}

var verbs = []string{"Prepare", "Review", "Order", "Call about", "Update", "Publish", "Translate", "Archive", "Repair", "Plan", "Discuss", "Check", "Draft", "Renew",
	"Vorbereiten:", "Согласовать:", "確認:", "Préparer"}

var things = []string{"the budget", "the offer", "the contract", "the newsletter", "the price list", "the team page", "the interview", "the training", "the invoice 4711",
	"the floor plan", "the server room", "the supplier's answer", "the photo session", "the trade fair", "the insurance", "Angebot Müller", "отчёт за квартал", "見積書",
	"le budget", "the welcome pack", "the badge printer", "the demo", "the terms", "the audit report", "the backup", "the survey", "the parking lot", "the Q3 numbers",
	"the keynote", "the data sheet"}

// titles joins each verb with each thing, once.
func titles() []string {
	out := make([]string, 0, len(verbs)*len(things))
	for _, v := range verbs {
		for _, t := range things {
			out = append(out, v+" "+t)
		}
	}
	return out
}
