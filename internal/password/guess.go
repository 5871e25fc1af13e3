package password

import (
	"slices"
	"strings"
	"unicode"
)

// The check of what is soon guessed looks at what guessers try first: words that
// everybody takes, names that they know, runs of the keyboard, repetitions, with
// digits and signs around them. What is left when those are taken away must still be
// long. It needs no dictionary of languages: a password of four words passes.

// minLeft is how many characters must be left.
const minLeft = 8

// everybody's are words that stand in all lists of the passwords that people take.
func everybodys() []string {
	return []string{
		"password", "passwort", "passwd", "motdepasse", "contrasena", "wachtwoord", "senha", "parola", "geheim", "secret", "welcome", "willkommen", "bienvenue",
		"letmein", "login", "admin", "administrator", "root", "master", "guest", "test", "user", "default", "changeme", "access", "system", "hello", "hallo",
		"iloveyou", "sunshine", "princess", "monkey", "dragon", "football", "baseball", "superman", "batman", "shadow", "trustno", "freedom", "whatever",
		"starwars", "pokemon", "michael", "jordan", "charlie", "daniel", "computer", "internet", "samsung", "google", "facebook", "microsoft", "company",
		"january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
		"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "summer", "winter", "spring", "autumn", "sommer", "herbst", "love", "pass",
	}
}

// rows are what fingers run along.
func rows() []string {
	return []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn", "1234567890", "abcdefghijklmnopqrstuvwxyz",
		"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"}
}

// guessed reports whether too little is left of a password without what guessers try
// first. known are words about the person.
func guessed(password string, known []string) bool {
	plain := []rune(strings.Map(plainLetter, strings.ToLower(password)))
	gone := make([]bool, len(plain))
	strike := func(word string) {
		w := []rune(strings.Map(plainLetter, word))
		if len(w) < 3 {
			return
		}
		for i := 0; i+len(w) <= len(plain); i++ {
			if slices.Equal(plain[i:i+len(w)], w) {
				for j := range w {
					gone[i+j] = j > 0 // a word counts as one character
				}
			}
		}
	}
	for _, w := range append(everybodys(), known...) {
		strike(w)
	}
	raw := []rune(strings.ToLower(password))
	for i := range raw {
		// The third of a run, or of a repetition, and all that follow it are no news.
		if i >= 2 && (follows(raw[i-2], raw[i-1]) && follows(raw[i-1], raw[i]) || raw[i] == raw[i-1] && raw[i-1] == raw[i-2]) {
			gone[i] = true
		}
		// Nor is what was there before: "abcdabcd".
		for n := 2; n <= i && n <= 16; n++ {
			if i-n-1 >= 0 && raw[i] == raw[i-n] && raw[i-1] == raw[i-n-1] {
				gone[i] = true
			}
		}
	}
	left, digits := 0, 0
	for i, r := range raw {
		switch {
		case gone[i]:
		case unicode.IsDigit(r):
			digits++
		default:
			left++
		}
	}
	// Digits alone are few possibilities: a date, a telephone.
	return left+digits/2 < minLeft
}

// plainLetter undoes the signs that people put for letters.
func plainLetter(r rune) rune {
	switch r {
	case '0':
		return 'o'
	case '1', '!', '|':
		return 'i'
	case '3':
		return 'e'
	case '4', '@':
		return 'a'
	case '5', '$':
		return 's'
	case '7':
		return 't'
	}
	return r
}

// follows reports whether two characters stand side by side in a row, in either
// direction.
func follows(a, b rune) bool {
	for _, row := range rows() {
		r := []rune(row)
		if i := slices.Index(r, a); i >= 0 && (i+1 < len(r) && r[i+1] == b || i > 0 && r[i-1] == b) {
			return true
		}
	}
	return false
}
