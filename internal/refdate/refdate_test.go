package refdate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/refdate"
)

func TestOfURL(t *testing.T) {
	for _, tt := range []struct {
		url  string
		want string // "" is no date
	}{
		{"https://twitter.com/drb_ra/status/1498972440080359430", "2022-03-02T10:44:13.933Z"},
		{"https://www.x.com/a/status/2089537777675190546?s=20", "2026-08-18T02:20:02.589Z"},
		{"https://twitter.com/a/status/29700859247", ""},         // older than ids with a time
		{"https://twitter.com/a/status/9223372036854775807", ""}, // in the year 2198: behind the bound below
		{"https://twitter.com/a/status/99999999999999999999", ""},
		{"https://twitter.com/a/2019/04/", ""}, // no status
		{"https://otx.alienvault.com/pulse/5c96b4b5fed1b34723da7b54/", "2019-03-23T22:35:33Z"},
		{"https://otx.alienvault.com/indicator/ip/8.8.4.9", ""},
		{"https://example-vendor.com/2019/04/12/report", "2019-04-12"},
		{"https://example-vendor.com/blog/2019/4/report.html", "2019-04"},
		{"http://example-vendor.com/2019/04", "2019-04"},
		{"https://example-vendor.com/report-2019-04-12.pdf", "2019-04-12"},
		{"https://example-vendor.com/20190412_report.pdf", "2019-04-12"},
		{"https://example-vendor.com/analysis/2019/report", "2019"},
		{"https://example-vendor.com/2019/13/report", "2019"}, // no such month
		{"https://example-vendor.com/2019/02/30/x", "2019"},   // no such day
		{"https://example-vendor.com/?d=2019/04/12", ""},      // only the path counts
		{"https://example-vendor.com/83930/", ""},
		{"https://web.archive.org/web/20240904163410/https://www.example-vendor.com/2011/12/x", "2011-12"},
		{"https://web.archive.org/web/20240904163410/https://example-vendor.com/x", ""}, // when it was kept says nothing
		{"https://www.virustotal.com/gui/file/20190412/", ""},
		{"https://example-vendor.com/2098/01/x", ""},
		{"", ""},
	} {
		got := refdate.OfURL(tt.url, refdate.YearEnd(2026))
		if got.String() != tt.want || !got.IsZero() && got.Basis != intel.BasisReference {
			t.Errorf("OfURL(%q) = %v (%s), want %s", tt.url, got, got.Basis, tt.want)
		}
	}
}

func TestBound(t *testing.T) {
	const url = "https://x.com/a/status/2089537777675190546" // August 2026
	bound := refdate.YearEnd(2025)
	if d := refdate.OfURL("https://example-vendor.com/2025/12/31/x", bound); d.IsZero() || bound.Refused() {
		t.Errorf("within the bound: %v, %v", d, bound.Refused())
	}
	if d := refdate.OfURL("https://example-vendor.com/2161/01/01/x", bound); !d.IsZero() || bound.Refused() {
		t.Errorf("never to be believed: %v, %v", d, bound.Refused())
	}
	if d := refdate.OfURL(url, bound); !d.IsZero() || !bound.Refused() {
		t.Errorf("behind the bound: %v, %v", d, bound.Refused())
	}
	if d := refdate.OfURL(url, refdate.Bound{}); d.IsZero() {
		t.Error("no bound: no date")
	}
	if d := refdate.OfURL("https://twitter.com/a/status/4611686018427387903", refdate.Bound{}); d.At > intel.TimeOf(time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("after the century: %v", d)
	}
}

func TestLoose(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"2004", "2004"},
		{"April 2016", "2016-04"},
		{"Febuary 2017", "2017-02"}, // as MISP's ransomware galaxy has it, nine times
		{"Mars 2017", "2017-03"},
		{"JanuaryJ 2017", "2017-01"},
		{"December 2016/January 2017", "2016-12"},
		{"November/December 2016", "2016-11"},
		{"Nov. 14, 2016", "2016-11-14"},
		{"14 November 2016", "2016-11-14"},
		{"2016-04", "2016-04"},
		{"2016-04-05", "2016-04-05"},
		{"Q1 2017", "2017"},
		{"Discovered ~Spring 2014", "2014"},
		{"Discovered ~Sept. 2014", "2014-09"},
		{"Fall Oct. 2012 - Spring 2013", "2012-10"},
		{"Initally discovered between 2006 and 2007. Still active today.", "2006"},
		{"2010 or 2011", "2010"},
		{"Feb 2021.", "2021-02"},
		{"31 February 2016", "2016-02"}, // no such day: what else it says
		{"port 2050", ""},               // behind the bound
		{"no date", ""},
		{"", ""},
	} {
		if got := refdate.Loose(tt.in, refdate.YearEnd(2026), intel.BasisStated); got.String() != tt.want {
			t.Errorf("Loose(%q) = %v, want %s", tt.in, got, tt.want)
		}
	}
}

func TestStamp(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"2023-01-02T03:04:05.000000+00:00", "2023-01-02T03:04:05Z"},
		{"2023-11-14 06:52:51", "2023-11-14T06:52:51Z"},
		{"Sat, 22 Aug 2026 03:00:29 +0200", "2026-08-22T01:00:29Z"},
		{"12/7/2022", "2022-12-07"}, // the month comes first
		{"2024-05-14", "2024-05-14"},
		{"1715684400", "2024-05-14T11:00:00Z"},
		{"1715684400000", "2024-05-14T11:00:00Z"},
		{"1715684400000000", "2024-05-14T11:00:00Z"},
		{"2014", "2014"},
		{"17", ""},
		{"soon", ""},
		{"9999-01-01", ""},
		{"", ""},
	} {
		if got := refdate.Stamp(tt.in, refdate.Bound{}, intel.BasisStated); got.String() != tt.want {
			t.Errorf("Stamp(%q) = %v, want %s", tt.in, got, tt.want)
		}
	}
}

func TestOfPath(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"2024/2024-02-13 A Report/iocs.csv", "2024-02-13"},
		{`2024\2024-02-13 A Report\iocs.csv`, "2024-02-13"},
		{"x/c2s_20231102.txt", "2023-11-02"},
		{"2020-01-01/2021-02-03.txt", "2021-02-03"},
		{"2024/iocs.csv", ""}, // a year says too little
		{"CVE-2018-11776/iocs.csv", ""},
		{"", ""},
	} {
		if got := refdate.OfPath(tt.in, refdate.Bound{}, intel.BasisFile); got.String() != tt.want {
			t.Errorf("OfPath(%q) = %v, want %s", tt.in, got, tt.want)
		}
	}
}

// FuzzDates: whatever is read, a date lies between 1980 and its bound, and its
// precision does not claim more than its value has.
func FuzzDates(f *testing.F) {
	f.Add("https://twitter.com/a/status/1498972440080359430")
	f.Add("https://web.archive.org/web/2024/https://x.com/2019/04/")
	f.Add("Fall Oct. 2012 - Spring 2013")
	f.Add("1715684400")
	f.Fuzz(func(t *testing.T, s string) {
		bound := refdate.YearEnd(2026)
		for _, d := range []intel.Date{
			refdate.OfURL(s, bound), refdate.Loose(s, bound, intel.BasisStated), refdate.Stamp(s, bound, intel.BasisStated), refdate.OfPath(s, bound, intel.BasisFile),
		} {
			if d.IsZero() {
				continue
			}
			std := d.At.Std()
			if std.Year() < 1980 || std.Year() > 2026 {
				t.Fatalf("%q: %v", s, d)
			}
			if d.Precision == intel.Year && std.YearDay() != 1 || d.Precision == intel.Month && std.Day() != 1 {
				t.Fatalf("%q: %v with precision %s", s, std, d.Precision)
			}
		}
	})
}

func Example() {
	bound := refdate.YearEnd(2026)
	for _, url := range []string{"https://x.com/somebody/status/1498972440080359430", "https://example-vendor.com/2019/04/report"} {
		fmt.Println(refdate.OfURL(url, bound))
	}
	fmt.Println(refdate.Loose("Discovered ~Sept. 2014", bound, intel.BasisStated))
	fmt.Println(strings.ToUpper(string(refdate.Loose("Q1 2017", bound, intel.BasisStated).Precision)))
	// Output:
	// 2022-03-02T10:44:13.933Z
	// 2019-04
	// 2014-09
	// YEAR
}
