//go:build unix

package hunt

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file, which nobody changes in place: it is always replaced as a whole.
func mapFile(f *os.File, size int64) (data []byte, release func(), err error) {
	data, err = unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	return data, func() { _ = unix.Munmap(data) }, nil
}
