package lists

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/refdate"
)

var openIOC = regexp.MustCompile(`<(?:\w+:)?(?:ioc|OpenIOC|iocs)\b[^>]*(?:schemas\.mandiant\.com|openioc\.org)`)

// iocTerms maps the last parts of the terms of OpenIOC's lists, in lower case,
// to what their contents are. "" leaves it to the form.
var iocTerms = map[string]observable.Kind{
	"fileitem/md5sum": observable.MD5, "fileitem/sha1sum": observable.SHA1, "fileitem/sha256sum": observable.SHA256,
	"fileitem/filename": observable.FileName, "fileitem/fullpath": observable.FilePath, "fileitem/filepath": observable.FilePath,
	"processitem/name": observable.FileName, "processitem/handlelist/handle/name": observable.Mutex,
	"portitem/remoteip": observable.IPAddress, "routeentryitem/destination": observable.IPAddress, "arpentryitem/ipv4address": observable.IPAddress,
	"network/dns": observable.Domain, "dnsentryitem/host": observable.Domain, "dnsentryitem/recordname": observable.Domain,
	"dnsentryitem/recorddata/host": observable.Domain, "dnsentryitem/recorddata/ipv4address": observable.IPAddress,
	"network/uri": observable.URL, "urlhistoryitem/url": observable.URL, "formhistoryitem/url": observable.URL, "filedownloadhistoryitem/sourceurl": observable.URL,
	"urlhistoryitem/hostname": observable.Domain, "cookiehistoryitem/hostname": observable.Domain,
	"network/useragent": observable.UserAgent, "email/from": observable.Email, "emailitem/from": observable.Email,
	"registryitem/path": observable.RegistryKey, "registryitem/keypath": observable.RegistryKey,
	"taskitem/sha1sum": observable.SHA1, "serviceitem/servicedllmd5sum": observable.MD5, "serviceitem/pathmd5sum": observable.MD5, "driveritem/md5sum": observable.MD5,
	"processitem/sectionlist/memorysection/md5sum": observable.MD5, "processitem/sectionlist/memorysection/sha1sum": observable.SHA1, "processitem/sectionlist/memorysection/sha256sum": observable.SHA256,
}

// An iocItem is an IndicatorItem of OpenIOC 1.0 or 1.1.
type iocItem struct {
	ID        string `xml:"id,attr"`
	Condition string `xml:"condition,attr"`
	Negate    bool   `xml:"negate,attr"`
	Context   struct {
		Document string `xml:"document,attr"`
		Search   string `xml:"search,attr"`
	}
	Content struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
}

// openIOC reads documents of OpenIOC 1.0 and 1.1. Items count by themselves,
// whatever operators are around them, but for those that are negated. Names of
// files and the like that stand under AND, beside something else, would match
// more than the document does; they are rejected.
func (d *decoder) openIOC() error {
	dec := xml.NewDecoder(d.in)
	dec.Strict = false
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // names of files may come out wrong; values are ASCII
	o := intel.Observation{Publisher: d.set.Publisher, Subjects: d.subjects(), FirstSeen: d.fallback}
	var operators []string
	depth := 0
	for n := 0; ; n++ {
		if n%1024 == 0 {
			if err := d.ctx.Err(); err != nil {
				return err
			}
		}
		t, err := dec.Token()
		line, column := dec.InputPos()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) {
				return &intel.SyntaxError{Line: syntax.Line, Column: column, Msg: syntax.Msg}
			}
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			depth--
			if t.Name.Local == "Indicator" && len(operators) > 0 {
				operators = operators[:len(operators)-1]
			}
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return &intel.SyntaxError{Line: line, Column: column, Msg: fmt.Sprintf("elements are nested more than %d deep", maxDepth)}
			}
			switch t.Name.Local {
			case "ioc", "OpenIOC":
				o.FirstSeen, o.Context, o.Reference = d.fallback, "", ""
			case "Indicator":
				operators = append(operators, attribute(t, "operator"))
			case "IndicatorItem":
				var item iocItem
				if err := dec.DecodeElement(&item, &t); err != nil {
					return &intel.SyntaxError{Line: line, Column: column, Msg: err.Error()}
				}
				depth--
				under := len(operators) > 0 && strings.EqualFold(operators[len(operators)-1], "AND")
				if err := d.iocItem(line, &item, o, under); err != nil {
					return err
				}
			case "short_description", "authored_date", "link":
				var text string
				if err := dec.DecodeElement(&text, &t); err != nil {
					return &intel.SyntaxError{Line: line, Column: column, Msg: err.Error()}
				}
				depth--
				text = strings.TrimSpace(text)
				switch date := refdate.Stamp(text, d.bound, intel.BasisStated); {
				case t.Name.Local == "short_description":
					o.Context = note(text)
				case t.Name.Local == "authored_date" && !date.IsZero():
					o.FirstSeen = date
				case t.Name.Local == "link" && strings.HasPrefix(text, "http") && o.Reference == "":
					o.Reference = text
				}
			}
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (d *decoder) iocItem(line int, item *iocItem, o intel.Observation, together bool) error {
	term := strings.ToLower(item.Context.Search)
	text := strings.TrimSpace(item.Content.Text)
	kind, known := iocTerms[term]
	condition := strings.ToLower(strings.TrimSpace(item.Condition))
	switch {
	case !known:
		d.reject(line, "no observable: "+sample(term), text)
		return nil
	case item.Negate || strings.HasPrefix(condition, "isnot") || strings.HasPrefix(condition, "not") || strings.HasPrefix(condition, "containsnot"):
		d.reject(line, "negated comparison", text)
		return nil
	case condition != "is" && condition != "contains" && condition != "":
		d.reject(line, "comparison "+sample(condition), text)
		return nil
	}
	seen, err := parseAs(kind, text)
	if err != nil {
		d.reject(line, reason(err), text)
		return nil
	}
	switch seen.Kind {
	case observable.FileName, observable.FilePath, observable.UserAgent, observable.RegistryKey, observable.Mutex:
		if condition == "contains" {
			d.reject(line, "comparison contains", text)
			return nil
		}
		if together && seen.Kind != observable.Mutex {
			d.reject(line, "counts only together with others", text)
			return nil
		}
	}
	o.Observable = seen
	return d.sink.Observation(&o)
}
