package odata

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// literal turns a token into a constant. The token is a string, number, date or GUID.
func (p *parser) literal(t token) (*Literal, error) {
	switch t.kind {
	case tokString:
		return &Literal{At: t.pos, Prim: String, Str: t.text}, nil
	case tokGuid:
		return &Literal{At: t.pos, Prim: Guid, Str: strings.ToLower(t.text)}, nil
	case tokDate:
		ms, reason := parseDate(t.text)
		if reason == "" {
			return &Literal{At: t.pos, Prim: DateTimeOffset, Int: ms}, nil
		}
		if strings.HasSuffix(reason, noZone) && looksLikeOffset(p.lex.src[t.end:]) {
			reason += "; the '+' of an offset must be sent as %2B"
		}
		return nil, p.errorf(t.pos, "invalid date-time '%s' at position %d: %s", clip(t.text), t.pos, reason)
	}
	s := t.text
	if !strings.ContainsAny(s, ".eE") {
		n, err := strconv.ParseInt(s, 10, 64)
		if err == nil {
			return &Literal{At: t.pos, Prim: Int64, Int: n}, nil
		}
		if isNumber(s) {
			return nil, p.errorf(t.pos, "the number '%s' at position %d is out of range", clip(s), t.pos)
		}
	} else if isNumber(s) {
		f, err := strconv.ParseFloat(s, 64)
		if err == nil && !math.IsInf(f, 0) {
			return &Literal{At: t.pos, Prim: Double, Float: f}, nil
		}
		return nil, p.errorf(t.pos, "the number '%s' at position %d is out of range", clip(s), t.pos)
	}
	if strings.HasPrefix(p.lex.src[t.end:], "-") {
		return nil, p.errorf(t.pos, "invalid number or GUID starting at position %d", t.pos)
	}
	return nil, p.errorf(t.pos, "invalid number '%s' at position %d", clip(s), t.pos)
}

// isNumber reports whether s is digits, with an optional sign, fraction and exponent. strconv takes more: hexadecimal
// digits, underscores, a point without digits.
func isNumber(s string) bool {
	s = strings.TrimLeft(s, "+-")
	i := strings.IndexAny(s, "eE")
	if i >= 0 {
		exponent := s[i+1:]
		if exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
			exponent = exponent[1:]
		}
		if !allDigits(exponent) {
			return false
		}
		s = s[:i]
	}
	whole, fraction, point := strings.Cut(s, ".")
	return allDigits(whole) && (!point || allDigits(fraction))
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(rune(s[i])) {
			return false
		}
	}
	return s != ""
}

const noZone = "it needs Z or an offset at its end"

// looksLikeOffset reports whether s begins as an offset does whose plus became a space.
func looksLikeOffset(s string) bool {
	return len(s) >= 6 && s[0] == ' ' && isDigit(rune(s[1])) && isDigit(rune(s[2])) && s[3] == ':'
}

// parseDate reads a date, or a date-time with Z or an offset and 0 to 12 digits of fraction. It returns
// milliseconds since 1970 UTC, truncated towards the past; a bare date is midnight UTC. The reason says what is wrong.
func parseDate(s string) (ms int64, reason string) {
	date, clock, timed := cutAny(s, "Tt")
	year, month, day, ok := three(date, "-", 4)
	if !ok {
		return 0, "a date is written YYYY-MM-DD"
	}
	if month < 1 || month > 12 {
		return 0, "there is no month " + strconv.Itoa(month)
	}
	if last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day(); day < 1 || day > last {
		return 0, "that month has no day " + strconv.Itoa(day)
	}
	hour, minute, second, milli, offset := 0, 0, 0, 0, 0
	if timed {
		clock, offset, reason = cutZone(clock)
		if reason != "" {
			return 0, reason
		}
		clock, fraction, pointed := strings.Cut(clock, ".")
		if strings.Count(clock, ":") == 1 && !pointed {
			clock += ":00" // the ABNF has seconds optional
		}
		hour, minute, second, ok = three(clock, ":", 2)
		if !ok {
			return 0, "a time is written hh:mm:ss"
		}
		if hour > 23 || minute > 59 || second > 59 {
			return 0, "there is no time " + clock
		}
		if pointed {
			if !allDigits(fraction) || len(fraction) > 12 {
				return 0, "a fraction of a second has 1 to 12 digits"
			}
			milli, _ = strconv.Atoi((fraction + "00")[:3])
		}
	}
	t := time.Date(year, time.Month(month), day, hour, minute-offset, second, milli*int(time.Millisecond), time.UTC)
	if y := t.Year(); y < 0 || y > 9999 {
		return 0, "it is out of range"
	}
	return t.UnixMilli(), ""
}

func cutAny(s, chars string) (before, after string, found bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// three splits s at sep in three numbers, of which the first has width digits and the others two.
func three(s, sep string, width int) (a, b, c int, ok bool) {
	parts := strings.Split(s, sep)
	if len(parts) != 3 || len(parts[0]) != width || len(parts[1]) != 2 || len(parts[2]) != 2 {
		return 0, 0, 0, false
	}
	for _, part := range parts {
		if !allDigits(part) {
			return 0, 0, 0, false
		}
	}
	a, _ = strconv.Atoi(parts[0])
	b, _ = strconv.Atoi(parts[1])
	c, _ = strconv.Atoi(parts[2])
	return a, b, c, true
}

// cutZone takes Z or the offset from the end of a time and returns it in minutes.
func cutZone(s string) (clock string, offset int, reason string) {
	if s != "" && (s[len(s)-1] == 'Z' || s[len(s)-1] == 'z') {
		return s[:len(s)-1], 0, ""
	}
	i := strings.IndexAny(s, "+-")
	if i < 0 {
		return "", 0, noZone
	}
	hour, minute, _, ok := three(s[i+1:]+":00", ":", 2)
	if !ok || hour > 14 || minute > 59 || hour == 14 && minute > 0 {
		return "", 0, "an offset is written +hh:mm or -hh:mm, up to 14:00"
	}
	offset = hour*60 + minute
	if s[i] == '-' {
		offset = -offset
	}
	return s[:i], offset, ""
}

// formatDate is the reverse of parseDate.
func formatDate(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	if ms%1000 == 0 {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}
