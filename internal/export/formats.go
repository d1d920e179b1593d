package export

import "slices"

// formats are all formats. A new one is a file, a row here, and a row in the
// table of its test; see CONTRIBUTING.md.
var formats = slices.Concat(
	lists,
	[]*Format{csvFormat, jsonlFormat, hostsFormat, rpzFormat, nftFormat, suricataFormat},
	datasets,
	[]*Format{zeekFormat, stixFormat},
	[]*Format{mispFormat},
	kqlFormats,
	sigmaFormats,
	[]*Format{navigatorFormat},
)
