"""The page's server: who may ask (`guard`), what they may ask (`routes`), and how it is started (`serve`)."""
