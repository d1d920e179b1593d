package intel

// A Pattern is what a publisher says to look for and that is no plain value, or
// not only that: a STIX pattern that needs several signs or a property no
// indicator has, a YARA, Sigma or Snort rule. It is kept as it was written; no
// hunt and no export uses it.
type Pattern struct {
	Ref           // the publisher's key: a STIX id
	Type   string `json:"type"` // as STIX names it: stix, yara, sigma, snort …
	Text   string `json:"pattern"`
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason"` // why it is no plain indicator: "comparison MATCHES"
	TLP    TLP    `json:"tlp,omitempty"`
	From   Time   `json:"validFrom,omitzero"`
	Until  Time   `json:"validUntil,omitzero"`
	// Modified orders the versions of a key; several patterns of one version all count.
	Modified Time `json:"modified,omitzero"`
	Revoked  bool `json:"revoked,omitempty"`

	Reference string    `json:"reference,omitempty"` // URL of the document that has it
	Subjects  []Subject `json:"subjects,omitempty"`
}

// MaxPattern is how long a pattern may be to be kept, in bytes; longer ones are
// rejected.
const MaxPattern = 1 << 20
