-- Grams of the title and the summary alone have numbers of their own, behind those of all texts. The program writes all of them
-- anew, in the same transaction.
DELETE FROM text_gram;
