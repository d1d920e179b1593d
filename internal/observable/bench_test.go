package observable_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dossier/internal/observable"
	"dossier/internal/testcorpus"
)

func BenchmarkParse(b *testing.B) {
	for _, bb := range []struct{ name, in string }{
		{"domain", "www.update-service.com"},
		{"domain-rare-tld", "www.update-service.travel"},
		{"domain-upper", "WWW.Update-Service.com"},
		{"domain-defanged", "www[.]update-service[.]com"},
		{"domain-idn", "bücher.de"},
		{"ipv4", "45.155.205.233"},
		{"ipv6", "2606:4700:3033::ac43:9ab1"},
		{"ipport", "45.155.205.233:8080"},
		{"sha256", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b886f7e437faa5a7fce15d1ddc"},
		{"url", "https://www.update-service.com/wp-content/plugins/gate.php?id=1"},
		{"url-defanged", "hxxps://www[.]update-service[.]com/wp-content/plugins/gate.php?id=1"},
		{"email", "billing@update-service.com"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := observable.Parse(bb.in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("refused", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			observable.Parse("192.168.1.1")
		}
	})
}

func BenchmarkFind(b *testing.B) {
	prose := strings.Repeat("The implant beacons to its server every 90 seconds (jitter: 10%). Operators then drop a second stage, "+
		"which is written to disk as update.dll and run by rundll32.exe, e.g. from the user's profile. ", 50) +
		"Network: hxxps://www[.]update-service[.]com/gate.php, 45.155.205[.]233 and billing@update-service.com. "
	for _, bb := range []struct{ name, text string }{
		{"prose", prose},
		{"list", strings.Repeat("www.update-service.click\n45.155.205.233:8080\n86f7e437faa5a7fce15d1ddcb9eaeaea377667b8\nhxxps://evil[.]com/x\n", 100)},
		{"log", strings.Repeat(`45.155.205.233 - - [12/Mar/2024:06:25:24 +0000] "GET /wp-login.php?x=1 HTTP/1.1" 200 5123 "http://www.update-service.com/" "Mozilla/5.0 (X11; Linux x86_64) Chrome/99.1.2.3"`+"\n", 100)},
		{"russian", strings.Repeat("Вредоносная программа обращается к серверу evil.com каждые 90 секунд. ", 100)},
		{"chinese", strings.Repeat("恶意软件每九十秒访问一次evil.com服务器。另外还会下载第二阶段的程序，并写入磁盘。", 100)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.text)))
			text := []byte(bb.text)
			for b.Loop() {
				observable.Find(text, func(observable.Observable, int, int) bool { return true })
			}
		})
	}
	b.Run("reports", func(b *testing.B) {
		files, _ := filepath.Glob(filepath.Join(testcorpus.Path(b), "eset", "*", "*.adoc"))
		var text []byte
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				b.Fatal(err)
			}
			text = append(text, data...)
		}
		if len(text) == 0 {
			b.Skip("no corpus")
		}
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			observable.Find(text, func(observable.Observable, int, int) bool { return true })
		}
	})
}

func BenchmarkID(b *testing.B) {
	o := observable.Observable{Kind: observable.Domain, Value: "www.update-service.com"}
	b.ReportAllocs()
	for b.Loop() {
		o.ID()
	}
}
