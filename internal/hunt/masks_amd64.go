package hunt

import "golang.org/x/sys/cpu"

// classify is classifyGo, with AVX2 where the processor has it.
var classify = classifyGo

func init() {
	if cpu.X86.HasAVX2 {
		classify = classifyFast
	}
}

func classifyFast(b []byte, out []masks) {
	if len(out) == 0 {
		return
	}
	_ = b[len(out)*group-1]
	classifyAVX2(&b[0], &out[0], len(out))
}

// classifyAVX2 fills n masks from n groups of bytes.
//
//go:noescape
func classifyAVX2(b *byte, out *masks, n int)
