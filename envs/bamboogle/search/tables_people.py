"""Tables of what people made and did: books, films, companies, presidents, games. See tables_places.py."""

from __future__ import annotations

BOOKS = (
    ("{0} is a work by the writer {1}.", "The book {0} came out in {2}."),
    """
Pride and Prejudice|Jane Austen|1813
Emma|Jane Austen|1815
Frankenstein|Mary Shelley|1818
Jane Eyre|Charlotte Brontë|1847
Wuthering Heights|Emily Brontë|1847
Vanity Fair|William Makepeace Thackeray|1848
A Christmas Carol|Charles Dickens|1843
A Tale of Two Cities|Charles Dickens|1859
Great Expectations|Charles Dickens|1861
Middlemarch|George Eliot|1872
Alice's Adventures in Wonderland|Lewis Carroll|1865
Treasure Island|Robert Louis Stevenson|1883
Dracula|Bram Stoker|1897
The Time Machine|H. G. Wells|1895
The War of the Worlds|H. G. Wells|1898
The Picture of Dorian Gray|Oscar Wilde|1891
Kim|Rudyard Kipling|1901
Heart of Darkness|Joseph Conrad|1902
A Room with a View|E. M. Forster|1908
Ulysses|James Joyce|1922
Mrs Dalloway|Virginia Woolf|1925
Brave New World|Aldous Huxley|1932
Rebecca|Daphne du Maurier|1938
Animal Farm|George Orwell|1945
Nineteen Eighty-Four|George Orwell|1949
Lord of the Flies|William Golding|1954
The Hobbit|J. R. R. Tolkien|1937
The Fellowship of the Ring|J. R. R. Tolkien|1954
Casino Royale|Ian Fleming|1953
A Clockwork Orange|Anthony Burgess|1962
Watership Down|Richard Adams|1972
The Remains of the Day|Kazuo Ishiguro|1989
The Scarlet Letter|Nathaniel Hawthorne|1850
Moby-Dick|Herman Melville|1851
Walden|Henry David Thoreau|1854
Little Women|Louisa May Alcott|1868
The Adventures of Tom Sawyer|Mark Twain|1876
The Red Badge of Courage|Stephen Crane|1895
The Call of the Wild|Jack London|1903
The Jungle|Upton Sinclair|1906
The Age of Innocence|Edith Wharton|1920
The Great Gatsby|F. Scott Fitzgerald|1925
The Sun Also Rises|Ernest Hemingway|1926
The Sound and the Fury|William Faulkner|1929
The Grapes of Wrath|John Steinbeck|1939
The Catcher in the Rye|J. D. Salinger|1951
Invisible Man|Ralph Ellison|1952
Fahrenheit 451|Ray Bradbury|1953
On the Road|Jack Kerouac|1957
To Kill a Mockingbird|Harper Lee|1960
Catch-22|Joseph Heller|1961
Silent Spring|Rachel Carson|1962
Dune|Frank Herbert|1965
Slaughterhouse-Five|Kurt Vonnegut|1969
The Color Purple|Alice Walker|1982
Beloved|Toni Morrison|1987
Neuromancer|William Gibson|1984
Candide|Voltaire|1759
The Red and the Black|Stendhal|1830
The Three Musketeers|Alexandre Dumas|1844
Madame Bovary|Gustave Flaubert|1857
Les Misérables|Victor Hugo|1862
Around the World in Eighty Days|Jules Verne|1873
Germinal|Émile Zola|1885
The Stranger|Albert Camus|1942
The Little Prince|Antoine de Saint-Exupéry|1943
The Second Sex|Simone de Beauvoir|1949
The Sorrows of Young Werther|Johann Wolfgang von Goethe|1774
Buddenbrooks|Thomas Mann|1901
The Metamorphosis|Franz Kafka|1915
Siddhartha|Hermann Hesse|1922
All Quiet on the Western Front|Erich Maria Remarque|1929
The Tin Drum|Günter Grass|1959
Eugene Onegin|Alexander Pushkin|1833
Dead Souls|Nikolai Gogol|1842
Fathers and Sons|Ivan Turgenev|1862
Crime and Punishment|Fyodor Dostoevsky|1866
War and Peace|Leo Tolstoy|1869
Anna Karenina|Leo Tolstoy|1878
The Cherry Orchard|Anton Chekhov|1904
Doctor Zhivago|Boris Pasternak|1957
Don Quixote, part one,|Miguel de Cervantes|1605
One Hundred Years of Solitude|Gabriel García Márquez|1967
The House of the Spirits|Isabel Allende|1982
A Doll's House|Henrik Ibsen|1879
Hunger|Knut Hamsun|1890
Pippi Longstocking|Astrid Lindgren|1945
The Name of the Rose|Umberto Eco|1980
Pinocchio|Carlo Collodi|1883
Things Fall Apart|Chinua Achebe|1958
Midnight's Children|Salman Rushdie|1981
The Wealth of Nations|Adam Smith|1776
Leviathan|Thomas Hobbes|1651
Critique of Pure Reason|Immanuel Kant|1781
The Interpretation of Dreams|Sigmund Freud|1899
Cosmos|Carl Sagan|1980
A Brief History of Time|Stephen Hawking|1988
""",
)

FILMS = (
    ("The film {0}, of {2}, is by the director {1}.",),
    """
Metropolis|Fritz Lang|1927
City Lights|Charlie Chaplin|1931
Modern Times|Charlie Chaplin|1936
Gone with the Wind|Victor Fleming|1939
Citizen Kane|Orson Welles|1941
Casablanca|Michael Curtiz|1942
It's a Wonderful Life|Frank Capra|1946
Rashomon|Akira Kurosawa|1950
Seven Samurai|Akira Kurosawa|1954
Rear Window|Alfred Hitchcock|1954
Vertigo|Alfred Hitchcock|1958
Psycho|Alfred Hitchcock|1960
Some Like It Hot|Billy Wilder|1959
The Seventh Seal|Ingmar Bergman|1957
Lawrence of Arabia|David Lean|1962
2001: A Space Odyssey|Stanley Kubrick|1968
The Shining|Stanley Kubrick|1980
The Godfather|Francis Ford Coppola|1972
Jaws|Steven Spielberg|1975
Jurassic Park|Steven Spielberg|1993
Schindler's List|Steven Spielberg|1993
Star Wars|George Lucas|1977
Taxi Driver|Martin Scorsese|1976
Goodfellas|Martin Scorsese|1990
Alien|Ridley Scott|1979
Blade Runner|Ridley Scott|1982
Gladiator|Ridley Scott|2000
Back to the Future|Robert Zemeckis|1985
Forrest Gump|Robert Zemeckis|1994
Pulp Fiction|Quentin Tarantino|1994
Fargo|Joel Coen|1996
Spirited Away|Hayao Miyazaki|2001
The Pianist|Roman Polanski|2002
Lost in Translation|Sofia Coppola|2003
Inception|Christopher Nolan|2010
The Dark Knight|Christopher Nolan|2008
The Social Network|David Fincher|2010
The Hurt Locker|Kathryn Bigelow|2008
Parasite|Bong Joon-ho|2019
Gravity|Alfonso Cuarón|2013
""",
)

FOUNDED = (
    ("{0} goes back to the year {1}, in {2}.",),
    """
The carmaker Ford|1903|Michigan
The carmaker General Motors|1908|Michigan
The carmaker Toyota|1937|Japan
The carmaker BMW|1916|Munich
The carmaker Ferrari|1939|Modena
The planemaker Boeing|1916|Seattle
The computer company IBM|1911|New York
The company Intel|1968|California
The company Microsoft|1975|Albuquerque
The company Apple|1976|California
The company Oracle|1977|California
The company Amazon|1994|Bellevue
The company Google|1998|California
The company Nvidia|1993|California
The company Nintendo|1889|Kyoto
The company Sony|1946|Tokyo
The company Nokia|1865|Finland
The company Siemens|1847|Berlin
The company Bosch|1886|Stuttgart
The company Philips|1891|Eindhoven
The company IKEA|1943|Sweden
The company Lego|1932|Denmark
The company Nestlé|1866|Switzerland
The company Coca-Cola|1892|Atlanta
The company PepsiCo|1965|New York
The company McDonald's, as a restaurant,|1940|San Bernardino
The company Nike|1964|Oregon
The company Adidas|1949|Bavaria
The company Disney|1923|Los Angeles
The company Netflix|1997|California
The newspaper The New York Times|1851|New York
The newspaper The Guardian|1821|Manchester
The broadcaster BBC|1922|London
The university of Bologna|1088|Italy
The university of Salamanca|1218|Spain
The university of Heidelberg|1386|Germany
The university of Vienna|1365|Austria
The university of Kraków|1364|Poland
The university of Uppsala|1477|Sweden
The university of Leiden|1575|the Netherlands
The university of Edinburgh|1583|Scotland
Trinity College|1592|Dublin
Yale University|1701|Connecticut
Princeton University|1746|New Jersey
Columbia University|1754|New York
Cornell University|1865|Ithaca
Stanford University|1885|California
The University of Chicago|1890|Illinois
Moscow State University|1755|Moscow
The University of Tokyo|1877|Tokyo
""",
)

PRESIDENTS = (
    ("{0} came {1} in the row of presidents of the USA.", "{0} took the presidential oath first in {2}."),
    """
John Adams|second|1797
Thomas Jefferson|third|1801
James Monroe|fifth|1817
John Quincy Adams|sixth|1825
Andrew Jackson|seventh|1829
Martin Van Buren|eighth|1837
William Henry Harrison|ninth|1841
John Tyler|tenth|1841
James K. Polk|eleventh|1845
Zachary Taylor|twelfth|1849
Millard Fillmore|thirteenth|1850
Franklin Pierce|fourteenth|1853
James Buchanan|fifteenth|1857
Andrew Johnson|seventeenth|1865
Ulysses S. Grant|eighteenth|1869
Rutherford B. Hayes|nineteenth|1877
James A. Garfield|twentieth|1881
Chester A. Arthur|twenty-first|1881
Benjamin Harrison|twenty-third|1889
William McKinley|twenty-fifth|1897
Theodore Roosevelt|twenty-sixth|1901
Woodrow Wilson|twenty-eighth|1913
Warren G. Harding|twenty-ninth|1921
Calvin Coolidge|thirtieth|1923
Herbert Hoover|thirty-first|1929
Franklin D. Roosevelt|thirty-second|1933
Harry S. Truman|thirty-third|1945
John F. Kennedy|thirty-fifth|1961
Lyndon B. Johnson|thirty-sixth|1963
Jimmy Carter|thirty-ninth|1977
George H. W. Bush|forty-first|1989
Bill Clinton|forty-second|1993
George W. Bush|forty-third|2001
""",
)

GAMES = (
    ("{0} was host to the {1} Games of {2}.",),
    """
Athens|Summer|1896
Paris|Summer|1900
Stockholm|Summer|1912
Antwerp|Summer|1920
Amsterdam|Summer|1928
Los Angeles|Summer|1932
Helsinki|Summer|1952
Melbourne|Summer|1956
Rome|Summer|1960
Tokyo|Summer|1964
Mexico City|Summer|1968
Munich|Summer|1972
Montreal|Summer|1976
Moscow|Summer|1980
Seoul|Summer|1988
Barcelona|Summer|1992
Atlanta|Summer|1996
Sydney|Summer|2000
Rio de Janeiro|Summer|2016
Chamonix|Winter|1924
Lake Placid|Winter|1932
Oslo|Winter|1952
Innsbruck|Winter|1964
Grenoble|Winter|1968
Sapporo|Winter|1972
Sarajevo|Winter|1984
Calgary|Winter|1988
Albertville|Winter|1992
Lillehammer|Winter|1994
Nagano|Winter|1998
Salt Lake City|Winter|2002
Turin|Winter|2006
Vancouver|Winter|2010
Sochi|Winter|2014
Pyeongchang|Winter|2018
""",
)

ARTISTS = (
    ("{0}, the {1}, was born in {2}.",),
    """
Johann Sebastian Bach|composer|1685
Antonio Vivaldi|composer|1678
Joseph Haydn|composer|1732
Wolfgang Amadeus Mozart|composer|1756
Ludwig van Beethoven|composer|1770
Franz Schubert|composer|1797
Frédéric Chopin|composer|1810
Robert Schumann|composer|1810
Franz Liszt|composer|1811
Giuseppe Verdi|composer|1813
Richard Wagner|composer|1813
Johannes Brahms|composer|1833
Antonín Dvořák|composer|1841
Claude Debussy|composer|1862
Jean Sibelius|composer|1865
Maurice Ravel|composer|1875
Béla Bartók|composer|1881
Igor Stravinsky|composer|1882
Dmitri Shostakovich|composer|1906
Leonardo da Vinci|painter|1452
Michelangelo|sculptor and painter|1475
Albrecht Dürer|painter|1471
Rembrandt|painter|1606
Johannes Vermeer|painter|1632
Francisco Goya|painter|1746
J. M. W. Turner|painter|1775
Claude Monet|painter|1840
Vincent van Gogh|painter|1853
Edvard Munch|painter|1863
Henri Matisse|painter|1869
Pablo Picasso|painter|1881
Frida Kahlo|painter|1907
""",
)
