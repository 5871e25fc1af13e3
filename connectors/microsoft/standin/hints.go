package standin

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Order hints (docs: planner-order-hint-format). A client writes an
// expression, "<previous> <next>!", whose parts are hints of the service,
// nothing, or expressions again; the service works it out to a short value
// that sorts between the two. What the service sends holds neither a space nor
// an exclamation point, so that sending it back is an error
// (msgraph-sdk-dotnet#175 has the message).

const (
	hintLow  int = '"' // the lowest character that the service uses: 32 and 33 belong to expressions
	hintHigh int = '~'
	hintBase     = hintHigh - hintLow + 1
)

var (
	errHintOrder = errors.New("the previous order hint does not sort before the next")
	errHintRoom  = errors.New("nothing sorts between the two order hints")
)

// evalHint works out an expression. fresh makes the value for an empty list.
func evalHint(in string, fresh func() string) (string, error) {
	for i := range len(in) {
		if in[i] < 32 || in[i] > 126 {
			return "", hintRefusal("The input (%s) contains a character outside of the ordinals 32 to 126.", in)
		}
	}
	if !strings.ContainsAny(in, " !") {
		return "", hintRefusal("The input (%s) does not contain spaces or exclamation points.", in)
	}
	type operand struct {
		value string
		space bool // a space, not a value
		made  bool // worked out, not a literal
	}
	var stack []operand
	top := func() *operand {
		if len(stack) == 0 || stack[len(stack)-1].space {
			return nil
		}
		return &stack[len(stack)-1]
	}
	pop := func() string {
		if t := top(); t != nil {
			stack = stack[:len(stack)-1]
			return t.value
		}
		return ""
	}
	for i := 0; i < len(in); {
		switch in[i] {
		case ' ':
			stack = append(stack, operand{space: true})
			i++
		case '!':
			next := pop()
			if len(stack) == 0 {
				return "", hintRefusal("The input (%s) has an exclamation point without a space before it.", in)
			}
			stack = stack[:len(stack)-1] // the space
			v, err := between(pop(), next, fresh)
			if err != nil {
				return "", hintRefusal("The input (%s) cannot be placed: %s.", in, err)
			}
			stack = append(stack, operand{value: v, made: true})
			i++
		default:
			end := i
			for end < len(in) && in[end] != ' ' && in[end] != '!' {
				end++
			}
			if top() != nil {
				return "", hintRefusal("The input (%s) has two order hints without a space between them.", in)
			}
			stack = append(stack, operand{value: in[i:end]})
			i = end
		}
	}
	if len(stack) != 1 || !stack[0].made {
		return "", hintRefusal("The input (%s) does not end with an exclamation point.", in)
	}
	return stack[0].value, nil
}

func hintRefusal(format string, args ...any) *refusal {
	r := plannerRefuse(400, format, args...)
	r.message = "The request is invalid:\r\nSpecified order hint is in an invalid format: " + r.message
	return r
}

// between returns a short value that sorts after a and before b; "" stands for
// no neighbour. It is a function of a and b alone, except that an empty list
// gets a fresh value.
func between(a, b string, fresh func() string) (string, error) {
	switch {
	case a == "" && b == "":
		return fresh(), nil
	case b == "":
		return step(a, 1)
	case a == "":
		return step(b, -1)
	case a >= b:
		return "", errHintOrder
	}
	return midpoint(a, b)
}

// midpoint returns the shortest-growing value after a and before b, where a
// may be "". No value ends in the lowest character: nothing would fit before it.
func midpoint(a, b string) (string, error) {
	var out []byte
	bounded := true // out is still the beginning of b
	for i := 0; ; i++ {
		if bounded && i >= len(b) {
			return "", errHintRoom
		}
		lo, hi := 0, hintBase+1 // digits count from 1; a text that has ended is 0
		if i < len(a) {
			lo = digit(a[i])
		}
		if bounded {
			hi = digit(b[i])
		}
		if mid := (lo + hi) / 2; mid > lo && mid < hi && mid > 1 {
			return string(append(out, byte(mid-1+hintLow))), nil
		}
		take := max(lo, 1)
		out = append(out, byte(take-1+hintLow))
		bounded = bounded && take == hi
	}
}

// digit is a character's place. What a client made up may hold characters that
// the service does not use: they are read as the nearest one.
func digit(c byte) int { return max(int(c), hintLow) - hintLow + 1 }

// step moves on from a value into the open end of a list, a little way, so that
// hints stay short however many items are appended.
func step(from string, by int) (string, error) {
	const width = 4
	digits := make([]int, width)
	for i := range digits {
		if i < len(from) {
			digits[i] = digit(from[i]) - 1
		}
	}
	for i := width - 1; i >= 0; i-- {
		digits[i] += by
		if digits[i] >= 0 && digits[i] < hintBase {
			out := make([]byte, width)
			for j, d := range digits {
				out[j] = byte(d + hintLow)
			}
			if short := strings.TrimRight(string(out), string(rune(hintLow))); short != "" {
				return short, nil
			}
			break
		}
		digits[i] = (digits[i] + hintBase) % hintBase
	}
	if by > 0 {
		return from + string(rune(hintLow+hintBase/2)), nil
	}
	return midpoint("", from)
}

// freshHint is the value of something new in an empty place: as the service
// does, from the time, the newest first, with a tail of its own.
func (s *Server) freshHint() string {
	const ticksTo9999 = 3155378975999999999 // .NET's DateTime.MaxValue
	ticks := s.now().UTC().UnixNano()/100 + 621355968000000000
	s.hintTick = max(s.hintTick+1, ticks) // two in one instant differ, and stay in order
	tail := make([]byte, 1+s.dice.IntN(2))
	for i := range tail {
		tail[i] = byte('A' + s.dice.IntN(26))
	}
	return strconv.FormatInt(5430000000000000000+ticksTo9999-s.hintTick, 10) + string(tail)
}

// hint works out a client's order hint; null or "" means a fresh one.
func (s *Server) hint(in string) (string, error) {
	if in == "" {
		return s.freshHint(), nil
	}
	return evalHint(in, s.freshHint)
}

// ticks keeps what Planner keeps of a time (seven digits; .NET ticks).
func ticks(t time.Time) time.Time { return t.UTC().Truncate(100 * time.Nanosecond) }
