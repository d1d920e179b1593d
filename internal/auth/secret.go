package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"dossier/internal/store"
)

// Secret returns the 32 random bytes that an installation keeps under a name in its database, sealed; they are made when they are first wanted. All
// servers of the database that have the key file have them. The error says if the file is another one.
func (s *Sealer) Secret(ctx context.Context, st *store.Store, name string) ([]byte, error) {
	sealed, err := st.SealedSecret(ctx, name, func() string {
		var plain [32]byte
		_, _ = rand.Read(plain[:]) // never fails
		return base64.StdEncoding.EncodeToString(s.seal(plain[:], name))
	})
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err == nil {
		raw, err = s.open(raw, name)
	}
	if err != nil {
		return nil, fmt.Errorf("the secret %q of this database was sealed with another key file: %w", name, err)
	}
	return raw, nil
}
